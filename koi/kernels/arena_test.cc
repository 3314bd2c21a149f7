#include "koi/kernels/arena.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <vector>

namespace koi::kernels {
namespace {

TEST(Arena, PiecesAreZeroedAlignedAndApart) {
  Arena arena;
  std::vector<std::shared_ptr<char>> pieces;
  for (const int64_t bytes : {int64_t{0}, int64_t{1}, int64_t{65}, int64_t{300} << 20}) {
    pieces.push_back(arena.take(bytes));
    char* piece = pieces.back().get();
    EXPECT_EQ(reinterpret_cast<uintptr_t>(piece) % 64, 0U);
    const int64_t looked_at = std::min<int64_t>(bytes, 4096);
    EXPECT_TRUE(std::all_of(piece, piece + looked_at, [](char c) { return c == 0; }));
    std::fill(piece, piece + looked_at, char(pieces.size()));
  }
  EXPECT_EQ(*pieces[1].get(), 2);
  EXPECT_EQ(pieces[2].get()[64], 3);
  pieces[3].get()[(int64_t{300} << 20) - 1] = 1;  // it is all there
}

TEST(Arena, APieceOutlivesItsArena) {
  std::shared_ptr<char> piece;
  {
    Arena arena;
    piece = arena.take(100);
  }
  piece.get()[99] = 1;
  EXPECT_EQ(piece.get()[99], 1);
}

TEST(Arena, MoreThanThereAreAddressesIsRefused) {
  Arena arena;
  EXPECT_THROW(arena.take(int64_t{1} << 50), std::bad_alloc);
}

}  // namespace
}  // namespace koi::kernels

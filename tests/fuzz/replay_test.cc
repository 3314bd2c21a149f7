// Feeds the corpus, and what becomes of it when it is cut off or when bytes change, to the parsers.
// The corpus holds hostile files, named for what is wrong with them, and small sound ones.
#include <gtest/gtest.h>

#include <random>

#include "koi/base/files.h"
#include "tests/fuzz/fuzz_targets.h"

namespace koi::fuzz {
namespace {

constexpr int kChangedCopies = 200;
constexpr size_t kCuts = 100;

std::vector<base::fs::path> corpus_of(const std::string& target) {
  return base::list_files(base::fs::path(KOI_SOURCE_DIR) / "tests/fuzz/corpus" / target,
                          [](const base::fs::path&) { return true; });
}

TEST(FuzzReplay, NoInputIsMoreThanAnError) {
  std::mt19937 random(1);
  for (const auto& [name, target] : targets()) {
    const auto files = corpus_of(name);
    ASSERT_FALSE(files.empty()) << name;
    for (const base::fs::path& file : files) {
      SCOPED_TRACE(file);
      const std::string bytes = base::read_file(file);
      EXPECT_NO_THROW(target(bytes));
      for (size_t i = 0; i < kCuts; ++i)
        EXPECT_NO_THROW(target(std::string_view(bytes).substr(0, bytes.size() * i / kCuts)));
      if (bytes.empty()) continue;
      for (int i = 0; i < kChangedCopies; ++i) {
        std::string changed = bytes;
        for (uint32_t changes = 1 + random() % 4; changes > 0; --changes)
          changed[random() % changed.size()] = static_cast<char>(random());
        EXPECT_NO_THROW(target(changed));
      }
    }
  }
}

}  // namespace
}  // namespace koi::fuzz

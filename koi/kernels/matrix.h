// The weights of a linear layer in one of four formats, as the kernels read them: row by row.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string_view>

#include "koi/kernels/arena.h"

namespace koi::kernels {

enum class Format {
  f32,
  bf16,  // the upper half of an f32
  int8,  // one scale a row
  int4,  // 0 .. 15; a scale and a least value for each kGroup columns
};

std::string_view name_of(Format format);
std::optional<Format> format_of(std::string_view name);

// Columns of quantised rows come in blocks of this many, the last one filled up with zeros; int4
// has a scale for each.
inline constexpr int64_t kGroup = 128;

inline constexpr int64_t blocks_of(int64_t columns) { return (columns + kGroup - 1) / kGroup; }

// A view; `owner` keeps alive what it looks at.
struct Matrix {
  Format format = Format::f32;
  int64_t rows = 0, columns = 0;
  // f32, bf16: [rows, columns]. int8: [rows, blocks_of(columns) * kGroup]. int4: 64 bytes a block,
  // see pack_int4_block().
  const void* values = nullptr;
  const float* scales = nullptr;  // int8: [rows]. int4: [rows, blocks]. Else null.
  const float* least = nullptr;   // int4: [rows, blocks]. Else null.
  std::shared_ptr<const void> owner = {};

  int64_t row_bytes() const;
};

// What rows are made of: f32 or bf16, [rows, columns].
struct Source {
  Format format = Format::f32;
  int64_t rows = 0, columns = 0;
  const void* values = nullptr;
  std::shared_ptr<const void> owner = {};
};

// The source's weights as they are, without a copy: `owner` has to keep them.
Matrix view_of(const Source& source);

// A copy of the same weights in `format`, in the arena. Rows are shared over threads.
//   bf16: to the nearest, ties to even.
//   int8: scale max|w| / 127.5, at least 1.19e-7, rounded to bf16 once w / scale is rounded (ties
//   to
//         even) and clipped to -128 .. 127: the reference's quantised files hold the same numbers.
//   int4: scale max(largest - least, 1e-6) / 15, least: the least weight of the group, w as
//         least + scale * (0 .. 15), the nearest.
// A row (int4: a group) that holds infinite weights or NaN has the scale NaN. Throws
// base::Interrupted when base::stop_requested().
Matrix make_matrix(const Source& source, Format format, Arena& arena, size_t threads);

// Row `row` as f32, `columns` values.
void read_row(const Matrix& matrix, int64_t row, float* out);

float bf16_to_f32(uint16_t value);
uint16_t f32_to_bf16(float value);

// 128 values of 0 .. 15 -> 64 bytes. Value 64 v + 16 n + l is nibble n of the little-endian 16-bit
// word 16 v + l: a kernel has 16 columns in a row after one shift and one mask.
void pack_int4_block(const uint8_t* values, uint8_t* packed);

}  // namespace koi::kernels

#include "koi/kernels/matrix.h"

#include <algorithm>
#include <array>
#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "koi/base/interrupt.h"
#include "koi/base/parallel.h"

namespace koi::kernels {
namespace {

constexpr std::array<std::string_view, 4> kNames{"fp32", "bf16", "int8", "int4"};
constexpr int64_t kPackedBlock = kGroup / 2;

void source_row(const Source& source, int64_t row, float* out) {
  const int64_t from = row * source.columns;
  if (source.format == Format::f32) {
    std::memcpy(out, static_cast<const float*>(source.values) + from,
                static_cast<size_t>(source.columns) * sizeof(float));
    return;
  }
  const uint16_t* values = static_cast<const uint16_t*>(source.values) + from;
  for (int64_t i = 0; i < source.columns; ++i) out[i] = bf16_to_f32(values[i]);
}

void pack_bf16(const float* row, int64_t columns, char* out) {
  for (int64_t i = 0; i < columns; ++i) {
    const uint16_t value = f32_to_bf16(row[i]);
    std::memcpy(out + 2 * i, &value, sizeof value);
  }
}

// Damaged weights stay visible: their scale is no number either, so that no product is.
constexpr float kDamaged = std::numeric_limits<float>::quiet_NaN();

bool is_finite(const float* values, int64_t count) {
  return std::all_of(values, values + count, [](float value) { return std::isfinite(value); });
}

float pack_int8(const float* row, int64_t columns, char* out) {
  if (!is_finite(row, columns)) return kDamaged;
  float largest = 0;
  for (int64_t i = 0; i < columns; ++i) largest = std::max(largest, std::abs(row[i]));
  const float scale = std::max(largest / 127.5F, std::numeric_limits<float>::epsilon());
  for (int64_t i = 0; i < columns; ++i) {
    const float value = std::clamp(std::nearbyint(row[i] / scale), -128.0F, 127.0F);
    out[i] = static_cast<char>(static_cast<int8_t>(value));
  }
  return bf16_to_f32(f32_to_bf16(scale));
}

void pack_int4(const float* row, int64_t columns, char* out, float* scales, float* least) {
  for (int64_t block = 0; block * kGroup < columns; ++block) {
    const float* from = row + block * kGroup;
    const int64_t count = std::min(kGroup, columns - block * kGroup);
    scales[block] = least[block] = kDamaged;
    if (!is_finite(from, count)) continue;
    const auto [low, high] = std::minmax_element(from, from + count);
    const float scale = std::max(*high - *low, 1e-6F) / 15;
    std::array<uint8_t, kGroup> values{};
    for (int64_t i = 0; i < count; ++i) {
      const float step = std::clamp(std::nearbyint((from[i] - *low) / scale), 0.0F, 15.0F);
      values[static_cast<size_t>(i)] = static_cast<uint8_t>(step);
    }
    pack_int4_block(values.data(), reinterpret_cast<uint8_t*>(out) + block * kPackedBlock);
    scales[block] = scale;
    least[block] = *low;
  }
}

void read_int4_block(const char* packed, float scale, float least, float* out) {
  std::array<uint16_t, kGroup / 4> words{};
  std::memcpy(words.data(), packed, kPackedBlock);
  for (size_t half = 0; half < 2; ++half) {
    for (int n = 0; n < 4; ++n) {
      for (size_t l = 0; l < 16; ++l)
        *out++ = least + scale * static_cast<float>((words[16 * half + l] >> (4 * n)) & 15);
    }
  }
}

}  // namespace

std::string_view name_of(Format format) { return kNames.at(static_cast<size_t>(format)); }

std::optional<Format> format_of(std::string_view name) {
  const auto* found = std::find(kNames.begin(), kNames.end(), name);
  if (found == kNames.end()) return {};
  return static_cast<Format>(found - kNames.begin());
}

int64_t Matrix::row_bytes() const {
  switch (format) {
    case Format::bf16:
      return columns * 2;
    case Format::int8:
      return blocks_of(columns) * kGroup;
    case Format::int4:
      return blocks_of(columns) * kPackedBlock;
    case Format::f32:
      break;
  }
  return columns * 4;
}

Matrix view_of(const Source& source) {
  return {.format = source.format,
          .rows = source.rows,
          .columns = source.columns,
          .values = source.values,
          .owner = source.owner};
}

Matrix make_matrix(const Source& source, Format format, Arena& arena, size_t threads) {
  Matrix matrix{.format = format, .rows = source.rows, .columns = source.columns};
  const int64_t row_bytes = matrix.row_bytes(), blocks = blocks_of(source.columns);
  const int64_t row_scales = format == Format::int8 ? 1 : format == Format::int4 ? blocks : 0;
  const int64_t row_least = format == Format::int4 ? blocks : 0;
  constexpr int64_t kFloat = sizeof(float);
  // One piece holds all: the values, whose rows fill whole floats where scales follow.
  const int64_t all_values = row_bytes * source.rows, all_scales = row_scales * source.rows;
  const std::shared_ptr<char> room =
      arena.take(all_values + kFloat * (all_scales + row_least * source.rows));
  char* values = room.get();
  auto* scales = reinterpret_cast<float*>(values + all_values);
  float* least = scales + all_scales;

  constexpr int64_t kRowsAtOnce = 64;
  const int64_t parts = (source.rows + kRowsAtOnce - 1) / kRowsAtOnce;
  const auto pack_part = [&](size_t part) {
    std::vector<float> row_values(static_cast<size_t>(source.columns));
    const int64_t first = static_cast<int64_t>(part) * kRowsAtOnce;
    for (int64_t row = first; row < std::min(first + kRowsAtOnce, source.rows); ++row) {
      source_row(source, row, row_values.data());
      char* out = values + row * row_bytes;
      if (format == Format::f32)
        std::memcpy(out, row_values.data(), row_values.size() * sizeof(float));
      else if (format == Format::bf16)
        pack_bf16(row_values.data(), source.columns, out);
      else if (format == Format::int8)
        scales[row] = pack_int8(row_values.data(), source.columns, out);
      else
        pack_int4(row_values.data(), source.columns, out, scales + row * blocks,
                  least + row * blocks);
    }
  };
  const auto all_parts = static_cast<size_t>(parts);
  if (base::parallel_for(all_parts, threads, pack_part) < all_parts)
    throw base::Interrupted("weights", "are not converted", "the same command begins anew");
  matrix.values = values;
  if (row_scales > 0) matrix.scales = scales;
  if (row_least > 0) matrix.least = least;
  matrix.owner = room;
  return matrix;
}

void read_row(const Matrix& matrix, int64_t row, float* out) {
  const char* from = static_cast<const char*>(matrix.values) + row * matrix.row_bytes();
  const int64_t columns = matrix.columns;
  if (matrix.format == Format::int8) {
    const auto* steps = reinterpret_cast<const int8_t*>(from);
    const float scale = matrix.scales[row];
    for (int64_t i = 0; i < columns; ++i) out[i] = static_cast<float>(steps[i]) * scale;
  } else if (matrix.format == Format::int4) {
    std::array<float, kGroup> values{};
    for (int64_t block = 0; block < blocks_of(columns); ++block) {
      const int64_t group = row * blocks_of(columns) + block;
      read_int4_block(from + block * kPackedBlock, matrix.scales[group], matrix.least[group],
                      values.data());
      const int64_t count = std::min(kGroup, columns - block * kGroup);
      std::copy_n(values.data(), count, out + block * kGroup);
    }
  } else {
    source_row({.format = matrix.format, .rows = 1, .columns = columns, .values = from}, 0, out);
  }
}

float bf16_to_f32(uint16_t value) {
  return std::bit_cast<float>(static_cast<uint32_t>(value) << 16);
}

uint16_t f32_to_bf16(float value) {
  const auto bits = std::bit_cast<uint32_t>(value);
  if (std::isnan(value)) return static_cast<uint16_t>((bits >> 16) | 0x40);
  return static_cast<uint16_t>((bits + 0x7FFF + ((bits >> 16) & 1)) >> 16);
}

void pack_int4_block(const uint8_t* values, uint8_t* packed) {
  for (size_t word = 0; word < kGroup / 4; ++word) {
    const size_t first = word / 16 * 64 + word % 16;
    uint16_t nibbles = 0;
    for (size_t n = 0; n < 4; ++n)
      nibbles = static_cast<uint16_t>(nibbles | (values[first + 16 * n] << (4 * n)));
    std::memcpy(packed + 2 * word, &nibbles, sizeof nibbles);
  }
}

}  // namespace koi::kernels

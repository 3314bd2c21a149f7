#include "koi/checkpoint/dtype.h"

#include <array>

namespace koi::checkpoint {
namespace {

struct Facts {
  size_t size;
  std::string_view name;
};

// In the order of the enumerators.
constexpr std::array<Facts, 13> kFacts{{{8, "F64"},
                                        {4, "F32"},
                                        {2, "F16"},
                                        {2, "BF16"},
                                        {8, "I64"},
                                        {4, "I32"},
                                        {2, "I16"},
                                        {1, "I8"},
                                        {1, "U8"},
                                        {2, "U16"},
                                        {4, "U32"},
                                        {8, "U64"},
                                        {1, "BOOL"}}};

const Facts& facts_of(DType dtype) { return kFacts.at(static_cast<size_t>(dtype)); }

}  // namespace

size_t size_of(DType dtype) { return facts_of(dtype).size; }

std::string_view name_of(DType dtype) { return facts_of(dtype).name; }

std::optional<DType> dtype_named(std::string_view name) {
  for (size_t i = 0; i < kFacts.size(); ++i) {
    if (kFacts[i].name == name) return static_cast<DType>(i);
  }
  return std::nullopt;
}

}  // namespace koi::checkpoint

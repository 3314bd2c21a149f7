#include "tests/fuzz/fuzz_targets.h"

#include "koi/base/error.h"
#include "koi/checkpoint/npy.h"
#include "koi/checkpoint/pickle_reader.h"
#include "koi/checkpoint/pth.h"
#include "koi/checkpoint/safetensors.h"
#include "koi/text/normalize.h"

namespace koi::fuzz {
namespace {

// Touches all that a reader hands out, so that a wrong bound shows.
void touch(const checkpoint::Value& value) {
  if (const auto* tensor = value.get<checkpoint::TensorView>()) checkpoint::gather(*tensor);
  checkpoint::visit_children(value, touch);
}

void guarded(const std::function<void()>& parse) {
  try {
    parse();
  } catch (const Error&) {
  }
}

}  // namespace

void read_pth(std::string_view bytes) {
  guarded([&] { touch(checkpoint::parse_pth(bytes, nullptr, "input")); });
}

void read_pickle(std::string_view bytes) {
  const std::string storage(16, '\x01');
  const auto bytes_of = [&](const std::string& key) -> std::string_view {
    if (key != "0") throw Error(ErrorKind::corrupt, "input", "has no storage " + key);
    return storage;
  };
  guarded([&] { touch(checkpoint::read_pickle(bytes, {bytes_of, nullptr}, "input")); });
}

void read_npy(std::string_view bytes) {
  guarded([&] {
    const checkpoint::TensorView array = checkpoint::parse_npy(std::string(bytes), "input");
    checkpoint::to_codes(array, "input");
  });
}

void read_safetensors(std::string_view bytes) {
  guarded([&] {
    const auto file = checkpoint::parse_safetensors(bytes, nullptr, "input");
    for (const auto& [name, tensor] : file.tensors) touch(tensor);
  });
}

void read_numbers(std::string_view bytes) {
  using text::NumberReading;
  for (const NumberReading reading : {NumberReading::chinese, NumberReading::korean,
                                      NumberReading::english, NumberReading::by_script})
    guarded([&] { text::read_numbers(bytes, reading); });
}

const std::map<std::string, std::function<void(std::string_view)>>& targets() {
  static const std::map<std::string, std::function<void(std::string_view)>> all{
      {"npy", read_npy},
      {"numbers", read_numbers},
      {"pickle", read_pickle},
      {"pth", read_pth},
      {"safetensors", read_safetensors}};
  return all;
}

}  // namespace koi::fuzz

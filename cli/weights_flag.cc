#include "cli/weights_flag.h"

#include <optional>

#include "koi/base/error.h"
#include "koi/tensor/device.h"

namespace koi::cli {
namespace {

constexpr char kAuto[] = "auto";

kernels::Format format_of(const std::string& name) {
  if (const auto format = kernels::format_of(name)) return *format;
  throw Error(ErrorKind::usage, "--weights", "there is no format " + name,
              "give auto, fp32, bf16, int8, int4, or two as int8+int4");
}

}  // namespace

lm::CpuFormats parse_formats(const std::string& text) {
  const size_t plus = text.find('+');
  if (plus == std::string::npos) return {.slow = format_of(text), .fast = format_of(text)};
  return {.slow = format_of(text.substr(0, plus)), .fast = format_of(text.substr(plus + 1))};
}

void WeightsFlag::add_to(CLI::App* command) {
  command
      ->add_option(
          "--weights", text,
          "on a CPU: auto (as the checkpoint has them), fp32, bf16, int8 or int4; int8+int4: "
          "the slow part's and the fast part's")
      ->capture_default_str();
}

void WeightsFlag::choose(lm::LoadModelOptions& options, bool with_adapters) const {
  if (text != kAuto) parse_formats(text);
  if (!options.device.is_cpu()) {
    if (text == kAuto) return;
    throw Error(ErrorKind::usage, "--weights",
                text + " is for the CPU, not for " + options.device.str(),
                "leave it out, or add --device cpu");
  }
  // A view of the file; adapters are merged in fp32.
  options.dtype = std::nullopt;
  if (with_adapters) options.dtype = at::kFloat;
}

void WeightsFlag::apply(speech::SpeechModel& model) const {
  if (!model.model.device().is_cpu()) return;
  lm::CpuFormats formats;
  if (text != kAuto) {
    formats = parse_formats(text);
  } else if (model.model.dtype() == at::kBFloat16) {
    formats = {.slow = kernels::Format::bf16, .fast = kernels::Format::bf16};
  }
  model.cpu = std::make_shared<lm::CpuWeights>(
      lm::cpu_weights(model.model, formats, tensor::thread_count()));
}

}  // namespace koi::cli

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
              "the formats are fp32, bf16, int8 and int4; two as int8+int4");
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

void WeightsFlag::choose(lm::LoadModelOptions& options) const {
  if (text != kAuto) parse_formats(text);
  if (options.device.is_cpu()) {
    options.shapes_only = true;
    return;
  }
  options.widen = true;
  if (text == kAuto) return;
  throw Error(ErrorKind::usage, "--weights",
              text + " is for the CPU, not for " + options.device.str(),
              "leave it out, or add --device cpu");
}

void WeightsFlag::apply(speech::SpeechModel& model, const base::fs::path& folder) const {
  if (!model.model.device().is_cpu()) return;
  std::optional<lm::CpuFormats> formats;
  if (text != kAuto) formats = parse_formats(text);
  model.cpu = std::make_shared<lm::CpuWeights>(
      lm::load_cpu_weights(folder, model.model, formats, tensor::thread_count()));
}

}  // namespace koi::cli

#include "cli/speech_flags.h"

#include <fmt/format.h>

#include <iostream>
#include <limits>

#include "cli/flags.h"
#include "cli/normalize_flag.h"
#include "koi/base/error.h"
#include "koi/lm/fingerprint.h"

namespace koi::cli {
namespace {

constexpr size_t kMaxTextBytes = size_t{1} << 20;  // a long book

std::string read_standard_input() {
  std::string text(kMaxTextBytes + 1, '\0');
  std::cin.read(text.data(), static_cast<std::streamsize>(text.size()));
  text.resize(static_cast<size_t>(std::cin.gcount()));
  if (text.size() > kMaxTextBytes) {
    throw Error(ErrorKind::usage, "--text -",
                fmt::format("more than {} bytes on standard input", kMaxTextBytes),
                "speak it in parts");
  }
  return text;
}

}  // namespace

void SpeechFlags::add_to(CLI::App* command) {
  command->add_option("--text", text, "what to say; - reads it from standard input");
  command->add_option("--checkpoint-path", checkpoint, "checkpoint folder")->capture_default_str();
  lora.add_to(command,
              "adapter to speak with, unmerged: a run's .ckpt or a folder in PEFT's layout; "
              "FILE:0.7 for a weight (several)");
  add_switch(command, "cache", cache_,
             "keep what was computed of references in ~/.cache/koi/voices, 1 GiB at most");
  add_shared_to(command);
}

void SpeechFlags::add_shared_to(CLI::App* command) {
  speech::SamplingOptions& sampling = options_.generate.sampling;
  add_normalize(command, numbers_);
  command
      ->add_option("--max-new-tokens", options_.generate.max_new_tokens,
                   "frames of a segment at most; 0: as many as fit")
      ->capture_default_str();
  command
      ->add_option("--min-new-tokens", options_.generate.min_new_tokens,
                   "frames before a segment may end")
      ->capture_default_str();
  command->add_option("--top-p", sampling.top_p, "share of the probability to draw from")
      ->capture_default_str();
  command
      ->add_option("--guidance", options_.generate.guidance,
                   "how far codes follow the text, 1 (as the model has it) to 10: those that it "
                   "would draw without the text become less likely; for models that were trained "
                   "with text_dropout")
      ->capture_default_str();
  command->add_option("--repetition-penalty", sampling.repetition_penalty, "1 is none")
      ->capture_default_str();
  command->add_option("--temperature", sampling.temperature, "0 is near to --greedy")
      ->capture_default_str();
  command->add_flag("--greedy", sampling.greedy, "always take the best token, draw nothing");
  command->add_option("--seed", seed, "of the draws")->capture_default_str();
  command->add_option("--noise", noise_, "whose draws: portable (all machines), torch (reference)")
      ->check(CLI::IsMember({"portable", "torch"}))
      ->capture_default_str();
  add_switch(command, "iterative-prompt", options_.iterative_prompt,
             "speak long texts in segments, each with those before in its prompt");
  command
      ->add_option("--together", together_,
                   "segments of a long text that are spoken at once, without hearing each other: "
                   "more frames a second on a CPU")
      ->check(CLI::Range(1, 16))
      ->capture_default_str();
  command->add_option("--chunk-length", options_.chunk_length, "bytes of a segment's text")
      ->capture_default_str();
  command
      ->add_option("--max-length", options_.max_length,
                   "tokens that references, history and 1024 new frames share")
      ->capture_default_str();
  command->add_flag("--unconstrained", unconstrained_,
                    "draw every token, spoken or not, as the reference does");
  command->add_flag("--special-tokens", special_tokens_,
                    "names of special tokens in texts become these tokens, as in the reference");
  add_switch(command, "half", half_, "fp16 instead of bf16 on a GPU; a CPU computes in fp32");
  add_switch(command, "compile", compile_, "does nothing; accepted for the reference's scripts");
  add_switch(command, "graphs", graphs_,
             "on a GPU record what a frame takes once and play it (CUDA graphs)");
  weights_.add_to(command);
  device_.add_to(command);
}

speech::LongOptions SpeechFlags::options() const {
  speech::LongOptions result = options_;
  result.generate.constrained = !unconstrained_;
  if (special_tokens_) result.specials = text::SpecialTokens::parse;
  return result;
}

std::optional<base::BlobCache> SpeechFlags::cache() const {
  const auto folder = base::BlobCache::user_folder("voices");
  if (!cache_ || !folder) return std::nullopt;
  return base::BlobCache(*folder);
}

std::optional<speech::KeptBeginnings> SpeechFlags::kept(const speech::SpeechModel& model) const {
  const std::optional<base::BlobCache> files = cache();
  if (!files || model.cpu == nullptr) return std::nullopt;
  return speech::KeptBeginnings{.files = *files, .model = lm::fingerprint(*model.cpu)};
}

speech::LongOptions SpeechFlags::options(base::Progress& progress) const {
  speech::LongOptions result = options();
  result.generate.on_frame = [&progress](size_t, std::span<const int32_t>) { progress.advance(); };
  result.on_segment = [&progress](const speech::Segment& segment) {
    if (segment.codes.codes.frames > 0) return;
    progress.print_line("koi: warning: the segment \"" + printable(segment.text) +
                        "\" is empty: the model ended its turn at once; try another --seed");
  };
  return result;
}

std::string SpeechFlags::spoken(const std::string& written) const {
  return text::read_numbers(written, numbers_);
}

std::string SpeechFlags::checked_text() const {
  const std::string result = spoken(text == "-" ? read_standard_input() : text);
  if (result.empty()) {
    throw Error(ErrorKind::usage, "--text", "is missing or empty", "give the text to say");
  }
  speech::check_request(result, options());
  return result;
}

lm::LoadModelOptions SpeechFlags::model_options() const {
  const at::Device device = device_.apply();
  at::ScalarType dtype = lm::preferred_dtype(device);
  if (half_ && device.is_cuda()) dtype = at::kHalf;
  lm::LoadModelOptions options{.dtype = dtype, .device = device};
  weights_.choose(options);
  return options;
}

void SpeechFlags::prepare(speech::SpeechModel& model,
                          const std::vector<lm::WeightedAdapter>& adapters) const {
  lm::put_adapters(model.model, adapters, checkpoint);
  weights_.apply(model, checkpoint);
  if (!graphs_) model.recording = tensor::Recording::never;
}

std::string SpeechFlags::identity() const {
  const speech::GenerateOptions& generate = options_.generate;
  const speech::SamplingOptions& sampling = generate.sampling;
  return fmt::format(
      "{} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {} {}", generate.guidance,
      generate.max_new_tokens, generate.min_new_tokens, sampling.top_p, sampling.repetition_penalty,
      sampling.temperature, sampling.greedy, seed, noise_, options_.iterative_prompt, together_,
      options_.chunk_length, options_.max_length, unconstrained_, special_tokens_, half_,
      static_cast<int>(numbers_), weights_.text, device_.device, device_.threads);
}

std::vector<speech::Noise> SpeechFlags::noises() const {
  std::vector<speech::Noise> noises;
  for (uint32_t i = 0; i < together_; ++i) {
    noises.push_back(noise_ == "torch" ? speech::torch_noise(seed + i)
                                       : speech::portable_noise(seed + i));
  }
  return noises;
}

}  // namespace koi::cli

#include "koi/speech/speech_model.h"

#include <fmt/format.h>

#include <algorithm>

#include "koi/base/error.h"

namespace koi::speech {

PromptOptions SpeechModel::prompt_options() const {
  return {.num_codebooks = model.config().num_codebooks,
          .codebook_size = model.config().codebook_size};
}

SpeechModel make_speech_model(lm::DualAr model, text::Tokenizer tokenizer,
                              const std::string& where) {
  const int64_t im_end = tokenizer.require_id("<|im_end|>");
  if (im_end >= model.config().vocab_size) {
    throw Error(ErrorKind::corrupt, where,
                fmt::format("the tokenizer's <|im_end|> is token {}, the model's vocabulary is {}",
                            im_end, model.config().vocab_size),
                "take the tokenizer and the weights of one checkpoint");
  }
  const Drawing drawing = model.device().is_cpu() ? Drawing::by_host : Drawing::on_device;
  return {.model = std::move(model),
          .tokenizer = std::move(tokenizer),
          .im_end_id = im_end,
          .drawing = drawing};
}

SpeechModel load_speech_model(const base::fs::path& folder, const lm::LoadModelOptions& options) {
  text::Tokenizer tokenizer = text::Tokenizer::load(folder);
  return make_speech_model(lm::load_model(folder, options), std::move(tokenizer), folder.string());
}

int64_t last_spoken_code(const lm::ModelConfig& config) {
  return std::min<int64_t>(1000, config.codebook_size - 1);
}

}  // namespace koi::speech

// What speaks: a language model with the tokenizer that it was trained with.
#pragma once

#include <cstdint>
#include <memory>

#include "koi/base/files.h"
#include "koi/kernels/instructions.h"
#include "koi/lm/checkpoint.h"
#include "koi/lm/cpu_weights.h"
#include "koi/lm/model.h"
#include "koi/speech/prompt.h"
#include "koi/tensor/work_graphs.h"
#include "koi/text/tokenizer.h"

namespace koi::speech {

// Where a frame's tokens are drawn out of their logits.
enum class Drawing {
  by_host,    // which waits for the logits of each
  on_device,  // where the model lies, see DeviceFrames
};

struct SpeechModel {
  lm::DualAr model;
  text::Tokenizer tokenizer;
  int64_t im_end_id;
  // The same weights as the CPU's kernels read them; null: generation goes by tensors.
  std::shared_ptr<const lm::CpuWeights> cpu = nullptr;
  kernels::Instructions instructions = kernels::usable_instructions().front();  // of the kernels
  Drawing drawing = Drawing::by_host;  // by tensors; make_speech_model: on_device on a GPU
  tensor::Recording recording = tensor::Recording::where_possible;  // of what is done on_device

  // Columns that go through the model at once at most, prompt and frames together.
  int64_t context_length() const { return model.config().max_seq_len; }
  // For encode_tokens.
  PromptOptions prompt_options() const;
};

// `where` names the tokenizer in the Error(corrupt) that is thrown where its <|im_end|> is missing
// or beyond the model's vocabulary.
SpeechModel make_speech_model(lm::DualAr model, text::Tokenizer tokenizer,
                              const std::string& where);

// Model and tokenizer of a checkpoint folder. Throws as lm::load_model, Tokenizer::load and
// make_speech_model.
SpeechModel load_speech_model(const base::fs::path& folder, const lm::LoadModelOptions& options);

// The highest code + 1 that is ever spoken: min(1000, codebook_size - 1), 1000 being the number of
// the published codec's codes.
int64_t last_spoken_code(const lm::ModelConfig& config);

}  // namespace koi::speech

// What the generation loop asks of a model, token by token: by tensors on any device, or by the
// kernels for a CPU.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <vector>

#include "koi/speech/speech_model.h"

namespace koi::speech {

// One sequence that grows. Errors as lm::DualAr's and lm::CpuRunner's.
class Steps {
 public:
  virtual ~Steps() = default;

  // Puts columns behind those so far.
  virtual void append(const TokenColumns& columns) = 0;
  // Logits of the main token behind the last column, of the entries `ids` or, where there are none,
  // of all.
  virtual std::vector<float> token_logits(std::span<const int64_t> ids) = 0;
  // Logits of the first codebook behind the last column, then of each next one behind the code
  // drawn for the one before, 0 .. codebook_size - 1.
  virtual std::vector<float> first_code_logits() = 0;
  virtual std::vector<float> next_code_logits(int32_t code) = 0;
};

// An empty sequence of up to `capacity` columns. `speech` has to stay. The kernels where
// speech.cpu is there, else tensors.
std::unique_ptr<Steps> make_steps(const SpeechModel& speech, int64_t capacity);

}  // namespace koi::speech

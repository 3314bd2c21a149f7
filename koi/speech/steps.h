// What the generation loop asks of a model, token by token, for sequences that grow in step: by
// tensors on any device, or by the kernels for a CPU, which read the weights once for all of them.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "koi/lm/cpu_runner.h"
#include "koi/speech/speech_model.h"

namespace koi::speech {

// Sequences 0 .. count - 1, empty at first, of up to context_length() columns each. `which` names
// the sequences that a call is about; what is given and returned is in its order, one row each.
// Errors as lm::DualAr's and lm::CpuRunner's.
class Steps {
 public:
  virtual ~Steps() = default;

  // How many of the cores frames are computed with from now on, on a CPU by kernels.
  virtual void use_cores(lm::Cores cores) = 0;

  // Puts columns behind those of one sequence.
  virtual void append(size_t sequence, const TokenColumns& columns) = 0;
  // Puts one column behind each, [which, 1 + K].
  virtual void step(std::span<const size_t> which, std::span<const int32_t> columns) = 0;
  // What is known of the first `columns` columns of `from` becomes all that `to` holds; they may be
  // the same. Something has to be appended before logits are asked for.
  virtual void take_over(size_t to, size_t from, int64_t columns) = 0;

  // What is known of the first `columns` columns as bytes, for set_state() of another Steps over
  // the same weights; empty where that is not offered. set_state() makes it all that the sequence
  // holds, and returns false, leaving the sequence empty, where the bytes are not so many columns.
  virtual std::string state(size_t sequence, int64_t columns) const = 0;
  virtual bool set_state(size_t sequence, int64_t columns, std::string_view bytes) = 0;

  // Logits of the main token behind the last column, [which, n], of the n entries `ids` or, where
  // there are none, of all.
  virtual std::vector<float> token_logits(std::span<const size_t> which,
                                          std::span<const int64_t> ids) = 0;
  // Logits [which, C] of the first codebook behind the last column, then of each next one behind
  // the codes drawn for the one before, 0 .. C - 1.
  virtual std::vector<float> first_code_logits(std::span<const size_t> which) = 0;
  virtual std::vector<float> next_code_logits(std::span<const size_t> which,
                                              std::span<const int32_t> codes) = 0;
};

// `speech` has to stay. The kernels where speech.cpu is there, else tensors.
std::unique_ptr<Steps> make_steps(const SpeechModel& speech, size_t count);

}  // namespace koi::speech

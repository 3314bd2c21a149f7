// The generation loop: prompts in, frames out, token by token. Source: the reference's behaviour,
// measured; cases in tests/goldens/lm/generate.
#pragma once

#include <cstdint>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "koi/base/blob_cache.h"
#include "koi/speech/frames.h"
#include "koi/speech/prompt.h"

namespace koi::speech {

// torch's own draws: at::Tensor::exponential_ with a CPU generator of this seed. The reference's,
// on the same build of libtorch only.
Noise torch_noise(uint64_t seed);

// Where beginnings of prompts are kept between runs of the program.
struct KeptBeginnings {
  base::BlobCache files;
  std::string model;  // names the weights, see lm::fingerprint
};

// Speaks one prompt after the other, or several in step, and remembers what the model was given: of
// a prompt that begins as an earlier one went (its references, its history, the frames spoken
// behind it) only the rest is computed.
class Speaker {
 public:
  // `speech` has to stay as it is. As many prompts can be spoken in step as there are `noises`;
  // with twins they are guided.
  Speaker(const SpeechModel& speech, std::vector<Noise> noises, Twins twins = Twins::none);

  const SpeechModel& speech() const { return speech_; }
  size_t size() const { return size_; }

  // The frames behind each of up to size() prompts (columns of 1 + K values), drawn with the noise
  // of its place. The last frame has the main token <|im_end|> and codes 0 where the speech came to
  // its end; otherwise max_new_tokens or the context ended it. Noise is drawn for each frame for
  // the main token first, then for the codebooks.
  // `textless` are what the twins are given, as many; their frames are those of `prompts`.
  // Before anything runs throws Error(usage) for impossible options, Error(config) where a prompt
  // leaves no room for a frame, Error(corrupt) for tokens or codes that the model does not have.
  // Throws base::Interrupted at the next frame when base::stop_requested().
  std::vector<TokenColumns> speak(std::span<const TokenColumns> prompts,
                                  const GenerateOptions& options,
                                  std::span<const TokenColumns> textless = {});

  // Makes `beginning` known, with which prompts (or the twins') are to begin: out of `kept`, or
  // computed and kept there. Where sequences go by tensors it does nothing. Errors as speak() for
  // the columns.
  void begin_with(const TokenColumns& beginning, const KeptBeginnings& kept, bool of_twins = false);

  // Columns that were computed so far, prompts and frames, of all sequences and twins.
  int64_t computed_columns() const { return computed_; }

 private:
  bool has_twins() const { return held_.size() > size_; }
  // Makes the sequence hold just these columns.
  void hold(size_t sequence, const TokenColumns& columns);
  void add_held(size_t sequence, std::span<const int32_t> column);

  const SpeechModel& speech_;
  size_t size_;
  std::vector<TokenColumns> held_;  // what each sequence of frames_ was given, then the twins
  std::unique_ptr<Frames> frames_;
  int64_t computed_ = 0;
};

// One prompt, by a Speaker of its own.
TokenColumns generate(const SpeechModel& speech, const TokenColumns& prompt,
                      const GenerateOptions& options, const Noise& noise);

}  // namespace koi::speech

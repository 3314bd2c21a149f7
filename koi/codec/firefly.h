// Firefly GAN VQ: speech at 44.1 kHz to discrete codes (21.5 columns of K codes a second at the
// published sizes) and back. Behaviour: docs/parity.md. Axes: B batch, N samples, F mel frames, T
// code columns, K codebooks (groups x residual steps), D width.
#pragma once

#include <functional>
#include <memory>
#include <mutex>
#include <string>
#include <vector>

#include "koi/audio/mel.h"
#include "koi/codec/config.h"
#include "koi/codec/encoder.h"
#include "koi/codec/generator.h"
#include "koi/codec/quantizer.h"
#include "koi/codec/row_decoder.h"
#include "koi/codec/row_encoder.h"
#include "koi/tensor/parameters.h"

namespace koi::codec {

struct Encoded {
  at::Tensor codes;                      // int64 [B, K, T], on the model's device
  std::vector<int64_t> feature_lengths;  // columns of each row that lie wholly inside its audio
};

class Firefly {
 public:
  // All parameters are there with their shapes and unset values. Throws Error(config).
  explicit Firefly(FireflyConfig config);

  const FireflyConfig& config() const { return config_; }
  const audio::LogMel& log_mel() const { return mel_; }  // what the encoder hears
  at::Device device() const;

  // Every parameter, weight norm folded ("head.conv_pre.conv.weight"), in the checkpoint's order.
  // A CPU computes with copies of the weights, made when first needed and again after a visit.
  void visit(const tensor::ParameterVisitor& visitor);

  // `wave` float [B, 1, N], mono at the config's sample rate, zero behind each row's own length;
  // `lengths` (samples) of the rows. T = columns(N); columns beyond feature_lengths[b] see the end
  // of the audio or padding (batch extraction drops them, the single-file tool keeps them). Memory
  // grows with N only by the codes (with `trace`, or on a GPU, by the mel spectrogram too).
  // A row's last columns depend on the zeros behind it, so encode files alone where a file's codes
  // must not depend on its company. Throws Error(unsupported) for lengths that are too short to be
  // padded by reflection (shortest_input()).
  Encoded encode(const at::Tensor& wave, const std::vector<int64_t>& lengths,
                 const Trace& trace = {}) const;

  // `codes` integer [B, K, T] -> audio float [B, 1, T * samples_per_column], within (-1, 1), zero
  // behind row b's lengths[b] columns. Of bounded memory, however long the input: on a CPU as
  // DecodeStream does it, bit for bit; on a GPU, and with `trace`, in windows. Throws
  // Error(corrupt) for codes outside 0 .. codebook_size-1 within a row's length, and for another K.
  at::Tensor decode(const at::Tensor& codes, const std::vector<int64_t>& lengths,
                    const Trace& trace = {}) const;

  // int64 codes [B, K, T] on the codec's device, 0 in padding, as decode takes them. Throws as
  // decode.
  at::Tensor checked_codes(const at::Tensor& codes, const std::vector<int64_t>& lengths) const;

  // Encoder and decoder with packed weights, which copies of this codec share. From any thread.
  std::shared_ptr<const RowEncoder> row_encoder() const;
  std::shared_ptr<const RowDecoder> row_decoder() const;

  // Columns to the left that the samples of a column see.
  int64_t decode_context() const;

  // Columns that encode gives for `samples`: ceil of the downsampling factors over floor(N / hop).
  int64_t columns(int64_t samples) const;
  // Columns wholly inside `samples`: floor(floor(N / hop) / frames_per_column).
  int64_t feature_length(int64_t samples) const;
  // The fewest samples that encode takes: one more than the reflection.
  int64_t shortest_input() const;

  Encoder backbone;
  Generator head;
  Quantizer quantizer;

 private:
  // Of `wave` [B, N], frames [begin, end) of its F: [B, M, end - begin].
  at::Tensor mel(const at::Tensor& wave, int64_t begin, int64_t end) const;
  at::Tensor encode_rows(const at::Tensor& wave, const std::vector<int64_t>& frames) const;
  at::Tensor encode_windows(const at::Tensor& wave, const std::vector<int64_t>& frames,
                            const Trace& trace) const;
  at::Tensor decode_windows(const at::Tensor& codes, const std::vector<int64_t>& lengths,
                            const Trace& trace) const;
  at::Tensor decode_rows(const at::Tensor& codes, const std::vector<int64_t>& lengths) const;
  at::Tensor decode_window(const at::Tensor& codes, int64_t first_column,
                           const std::vector<int64_t>& lengths, const Trace& trace) const;

  struct Packed {
    std::mutex mutex;
    std::shared_ptr<const RowEncoder> encoder;
    std::shared_ptr<const RowDecoder> decoder;
  };

  FireflyConfig config_;
  audio::LogMel mel_;
  std::shared_ptr<Packed> packed_ = std::make_shared<Packed>();
};

// A codec out of its checkpoint: .pth or .safetensors, bare or in {"state_dict": ...}; where any
// key holds "generator", only keys with "generator." are read, without it. Weight norm may be
// stored as parametrizations (original0, original1), as weight_g and weight_v, or folded; it is
// folded here, once. A missing, extra or wrong-shaped tensor is an Error(corrupt) that names file
// and key. Differs: the reference ignores extra tensors, and leaves the generator random where
// weight norm is folded in the file.
Firefly load_firefly(const base::fs::path& checkpoint, const FireflyConfig& config,
                     const tensor::LoadOptions& options = {});

}  // namespace koi::codec

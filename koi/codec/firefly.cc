#include "koi/codec/firefly.h"

#include <algorithm>
#include <string_view>

#include "koi/base/error.h"
#include "koi/checkpoint/pth.h"
#include "koi/codec/decode_stream.h"
#include "koi/codec/weight_norm.h"
#include "koi/tensor/device.h"

namespace koi::codec {
namespace {

// Code columns that are computed at once on tensors; longer audio goes through windows. 48 s are
// cheap to encode. Decoding 7 s takes tensors of 23 MB at the published size; from 32 MB on, malloc
// returns each to the system and a third of the time goes into fresh pages.
constexpr int64_t kEncodeColumns = 1024;
constexpr int64_t kDecodeColumns = 160;
// On rows only the mel spectrogram needs windows: 12 s.
constexpr int64_t kMelColumns = 256;

const FireflyConfig& checked(const FireflyConfig& config) {
  check_config(config, "codec config");
  return config;
}

audio::MelOptions mel_options(const SpectrogramConfig& config) {
  return {.sample_rate_hz = config.sample_rate,
          .n_fft = config.n_fft,
          .win_length = config.win_length,
          .hop_length = config.hop_length,
          .n_mels = config.n_mels};
}

int64_t divided_up(int64_t a, int64_t b) { return (a + b - 1) / b; }

void check_lengths(const std::vector<int64_t>& lengths, const at::Tensor& rows, int64_t longest) {
  const bool fits = static_cast<int64_t>(lengths.size()) == rows.size(0) &&
                    std::all_of(lengths.begin(), lengths.end(),
                                [&](int64_t length) { return length >= 0 && length <= longest; });
  if (!fits) {
    throw Error(ErrorKind::internal, "codec",
                "one length per row, 0 to " + std::to_string(longest) + ", was expected");
  }
}

}  // namespace

Firefly::Firefly(FireflyConfig config)
    : backbone(checked(config).backbone),
      head(config.head),
      quantizer(config.quantizer),
      config_(std::move(config)),
      mel_(mel_options(config_.spec_transform)) {}

at::Device Firefly::device() const { return backbone.device(); }

void Firefly::visit(const tensor::ParameterVisitor& visitor) {
  packed_ = std::make_shared<Packed>();
  backbone.visit("backbone.", visitor);
  head.visit("head.", visitor);
  quantizer.visit("quantizer.", visitor);
}

int64_t Firefly::columns(int64_t samples) const {
  int64_t length = mel_.frames(samples);
  for (const int64_t factor : config_.quantizer.downsample_factor)
    length = divided_up(length, factor);
  return length;
}

int64_t Firefly::feature_length(int64_t samples) const {
  return mel_.frames(samples) / config_.frames_per_column();
}

int64_t Firefly::shortest_input() const { return mel_.min_samples(); }

at::Tensor Firefly::mel(const at::Tensor& wave, int64_t begin, int64_t end) const {
  const int64_t hop = config_.spec_transform.hop_length;
  const int64_t samples = wave.size(1);
  // A frame sees `reach` samples beyond its own hop on either side; the outer frames of a part,
  // which see its reflected ends, are computed and dropped.
  const int64_t reach = mel_.min_samples() - 1;
  const int64_t from = std::max<int64_t>(begin - (reach / hop + 1), 0);
  const int64_t to = end == mel_.frames(samples) ? samples : std::min(samples, end * hop + reach);
  return mel_.forward(wave.narrow(1, from * hop, to - from * hop))
      .narrow(2, begin - from, end - begin);
}

Encoded Firefly::encode(const at::Tensor& wave, const std::vector<int64_t>& lengths,
                        const Trace& trace) const {
  const c10::InferenceMode guard;
  check_lengths(lengths, wave, wave.size(2));
  std::vector<int64_t> frames;
  Encoded result;
  for (const int64_t length : lengths) {
    frames.push_back(mel_.frames(length));
    result.feature_lengths.push_back(feature_length(length));
  }
  const at::Tensor rows = wave.squeeze(1).to(device());  // [B, N]
  result.codes =
      device().is_cpu() && !trace ? encode_rows(rows, frames) : encode_windows(rows, frames, trace);
  return result;
}

at::Tensor Firefly::encode_rows(const at::Tensor& wave, const std::vector<int64_t>& frames) const {
  const std::shared_ptr<const RowEncoder> encoder = row_encoder();
  const int64_t total = mel_.frames(wave.size(1));
  const int64_t window = kMelColumns * config_.frames_per_column();
  std::vector<at::Tensor> rows;
  for (int64_t b = 0; b < wave.size(0); ++b) {
    const int64_t length = frames[static_cast<size_t>(b)];
    RowEncoder::State state = encoder->start(tensor::thread_count());
    std::vector<at::Tensor> codes;
    for (int64_t begin = 0; begin < total || codes.empty(); begin += window) {
      const int64_t count = std::min(window, total - begin);
      const at::Tensor part =
          mel(wave.narrow(0, b, 1), begin, begin + count)[0].t().contiguous();  // [F, M]
      const int64_t kept = std::clamp<int64_t>(length - begin, 0, count);
      part.narrow(0, kept, count - kept).zero_();
      const at::Tensor latent = encoder->forward(state, part, kept);  // [T, D]
      codes.push_back(quantizer.latent_to_codes(latent.t().unsqueeze(0)));
    }
    rows.push_back(at::cat(codes, 2));
  }
  return at::cat(rows);
}

// Layer by layer on tensors.
at::Tensor Firefly::encode_windows(const at::Tensor& wave, const std::vector<int64_t>& frames,
                                   const Trace& trace) const {
  const int64_t window = kEncodeColumns * config_.frames_per_column();
  std::vector<at::Tensor> parts;
  for (int64_t begin = 0; begin < mel_.frames(wave.size(1)) || parts.empty(); begin += window)
    parts.push_back(mel(wave, begin, std::min(begin + window, mel_.frames(wave.size(1)))));
  at::Tensor x = at::cat(parts, 2);  // [B, M, F]
  if (trace) trace("mel", x);
  const at::Tensor mask = length_mask(frames, x.size(2), x);
  x = x * mask;

  const int64_t per_column = config_.frames_per_column();
  const int64_t context = divided_up(backbone.context() + quantizer.encode_context(), per_column);
  const int64_t total = columns(wave.size(1));
  parts.clear();
  for (int64_t begin = 0; begin < total; begin += kEncodeColumns) {
    const int64_t end = std::min(begin + kEncodeColumns, total);
    const int64_t from = std::max<int64_t>(begin - context, 0);
    const int64_t first = from * per_column;
    const int64_t count = std::min(end * per_column, x.size(2)) - first;
    const at::Tensor features =
        backbone.forward(x.narrow(2, first, count), trace) * mask.narrow(2, first, count);
    if (trace) trace("encoder", features);
    parts.push_back(quantizer.encode(features, trace).narrow(2, begin - from, end - begin));
  }
  return at::cat(parts, 2);
}

at::Tensor Firefly::checked_codes(const at::Tensor& codes,
                                  const std::vector<int64_t>& lengths) const {
  check_lengths(lengths, codes, codes.size(2));
  if (codes.size(1) != config_.codebooks()) {
    throw Error(ErrorKind::corrupt, "codes",
                "have " + std::to_string(codes.size(1)) + " rows, the codec has " +
                    std::to_string(config_.codebooks()) + " codebooks");
  }
  at::Tensor rows = codes.to(device(), at::kLong);
  // Codes behind a row's own length are padding of any value.
  rows = rows * length_mask(lengths, codes.size(2), rows);
  const int64_t size = config_.codebook_size();
  if (rows.numel() > 0 && (rows.min().item<int64_t>() < 0 || rows.max().item<int64_t>() >= size)) {
    throw Error(ErrorKind::corrupt, "codes",
                "lie between " + std::to_string(rows.min().item<int64_t>()) + " and " +
                    std::to_string(rows.max().item<int64_t>()) + ", 0 to " +
                    std::to_string(size - 1) + " was expected");
  }
  return rows;
}

std::shared_ptr<const RowEncoder> Firefly::row_encoder() const {
  const c10::InferenceMode guard;
  const std::lock_guard lock(packed_->mutex);
  if (!packed_->encoder)
    packed_->encoder = std::make_shared<RowEncoder>(backbone, quantizer, tensor::thread_count());
  return packed_->encoder;
}

std::shared_ptr<const RowDecoder> Firefly::row_decoder() const {
  const c10::InferenceMode guard;
  const std::lock_guard lock(packed_->mutex);
  if (!packed_->decoder)
    packed_->decoder = std::make_shared<RowDecoder>(quantizer, head, tensor::thread_count());
  return packed_->decoder;
}

int64_t Firefly::decode_context() const { return quantizer.decode_context(head.context()); }

at::Tensor Firefly::decode(const at::Tensor& codes, const std::vector<int64_t>& lengths,
                           const Trace& trace) const {
  const c10::InferenceMode guard;
  const at::Tensor rows = checked_codes(codes, lengths);
  return device().is_cpu() && !trace ? decode_rows(rows, lengths)
                                     : decode_windows(rows, lengths, trace);
}

at::Tensor Firefly::decode_rows(const at::Tensor& codes,
                                const std::vector<int64_t>& lengths) const {
  at::Tensor audio = at::zeros({codes.size(0), 1, codes.size(2) * config_.samples_per_column()});
  for (int64_t row = 0; row < codes.size(0); ++row) {
    const int64_t length = lengths[static_cast<size_t>(row)];
    DecodeStream stream(*this);
    stream.push(codes[row].narrow(1, 0, length), audio[row].mutable_data_ptr<float>());
  }
  return audio;
}

at::Tensor Firefly::decode_windows(const at::Tensor& codes, const std::vector<int64_t>& lengths,
                                   const Trace& trace) const {
  const int64_t total = codes.size(2);
  const int64_t per_column = config_.samples_per_column();
  const int64_t context = decode_context();
  at::Tensor audio = at::empty({codes.size(0), 1, total * per_column}, at::kFloat);
  for (int64_t begin = 0; begin < total; begin += kDecodeColumns) {
    const int64_t end = std::min(begin + kDecodeColumns, total);
    const int64_t from = std::max<int64_t>(begin - context, 0);
    const at::Tensor part = decode_window(codes.narrow(2, from, end - from), from, lengths, trace);
    audio.narrow(2, begin * per_column, (end - begin) * per_column)
        .copy_(part.narrow(2, (begin - from) * per_column, (end - begin) * per_column));
  }
  return audio;
}

// Audio [B, 1, T * samples_per_column] of a window of columns that begins at `first_column`.
at::Tensor Firefly::decode_window(const at::Tensor& codes, int64_t first_column,
                                  const std::vector<int64_t>& lengths, const Trace& trace) const {
  std::vector<int64_t> frames, samples;
  for (const int64_t length : lengths) {
    const int64_t left = std::clamp<int64_t>(length - first_column, 0, codes.size(2));
    frames.push_back(left * config_.frames_per_column());
    samples.push_back(left * config_.samples_per_column());
  }
  at::Tensor z = quantizer.decode(codes, trace);
  z = z * length_mask(frames, z.size(2), z);
  if (trace) trace("upsampled", z);
  const at::Tensor audio = head.forward(z, trace);
  return audio * length_mask(samples, audio.size(2), audio);
}

Firefly load_firefly(const base::fs::path& checkpoint, const FireflyConfig& config,
                     const tensor::LoadOptions& options) {
  const std::string where = checkpoint.string();
  checkpoint::StateDict state = checkpoint::load_state_dict(checkpoint);
  constexpr std::string_view kGenerator = "generator";
  const bool with_discriminator = std::any_of(state.begin(), state.end(), [&](const auto& entry) {
    return entry.first.find(kGenerator) != std::string::npos;
  });
  if (with_discriminator) {
    const std::string prefix = std::string(kGenerator) + ".";
    checkpoint::StateDict generator;
    for (auto& [key, view] : state) {
      const size_t at = key.find(prefix);
      if (at != std::string::npos)
        generator.emplace_back(std::string(key).erase(at, prefix.size()), std::move(view));
    }
    state = std::move(generator);
  }
  Firefly model(config);
  tensor::load_parameters([&](const tensor::ParameterVisitor& visitor) { model.visit(visitor); },
                          fold_weight_norm(state, where), options, where);
  return model;
}

}  // namespace koi::codec

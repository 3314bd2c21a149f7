#include "koi/speech/engine.h"

#include <fmt/format.h>

#include <optional>
#include <system_error>

#include "koi/audio/resample.h"
#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/base/version.h"
#include "koi/checkpoint/codec_file.h"
#include "koi/speech/segment_decoder.h"

namespace koi::speech {
namespace {

void check_fit(const SpeechModel& model, const codec::Firefly& codec, const std::string& where) {
  const lm::ModelConfig& config = model.model.config();
  const int64_t spoken = last_spoken_code(config);
  if (codec.config().codebooks() != config.num_codebooks ||
      codec.config().codebook_size() < spoken) {
    throw Error(ErrorKind::config, where,
                fmt::format("{} codebooks of {} codes, the language model speaks {} of {}",
                            codec.config().codebooks(), codec.config().codebook_size(),
                            config.num_codebooks, spoken),
                "give the codec that belongs to this checkpoint (--codec-path)");
  }
}

// The decoder's weights are the codec's, whose copies share them.
std::future<void> pack_beside(const codec::Firefly& codec) {
  if (!codec.device().is_cpu()) return {};
  try {
    return std::async(std::launch::async, [codec] { codec.row_decoder(); });
  } catch (const std::system_error&) {
    return {};  // no thread is to be had: packed when needed
  }
}

// The file's place, size and time of change.
std::string state_of(const base::fs::path& path) {
  return fmt::format("{}\n{}\n{}", base::fs::canonical(path).string(), base::fs::file_size(path),
                     base::fs::last_write_time(path).time_since_epoch().count());
}

std::string to_bytes(const checkpoint::Codes& codes) {
  std::string bytes;
  base::append_bytes(bytes, codes.codebooks);
  base::append_bytes(bytes, codes.frames);
  for (const int32_t value : codes.values) base::append_bytes(bytes, value);
  return bytes;
}

checkpoint::Codes to_codes(std::string_view bytes, const std::string& where) {
  base::ByteReader reader(bytes, where);
  checkpoint::Codes codes;
  codes.codebooks = reader.read<int64_t>();
  codes.frames = reader.read<int64_t>();
  while (!reader.at_end()) codes.values.push_back(reader.read<int32_t>());
  return codes;
}

}  // namespace

Engine Engine::load(const EngineFiles& files, const lm::LoadModelOptions& options) {
  const base::fs::path path =
      files.codec.empty() ? checkpoint::find_codec(files.checkpoint) : files.codec;
  codec::Firefly codec = codec::load_firefly(path, codec::config_for(path, files.codec_config),
                                             {.dtype = at::kFloat, .device = options.device});
  std::future<void> packing = pack_beside(codec);
  Engine engine(load_speech_model(files.checkpoint, options), std::move(codec), path.string());
  engine.codec_file_ = state_of(path);
  engine.packing_ = std::move(packing);
  return engine;
}

Engine::Engine(SpeechModel model, codec::Firefly codec, const std::string& where)
    : model_(std::move(model)), codec_(std::move(codec)) {
  check_fit(model_, codec_, where);
}

Reference Engine::encode_reference(const base::fs::path& recording, std::string text) const {
  const c10::InferenceMode no_gradients;
  const auto rate = static_cast<int>(codec_.config().spec_transform.sample_rate);
  std::vector<float> samples = audio::load_mono(recording, rate);
  const int64_t count = std::ssize(samples);
  const int64_t columns = codec_.feature_length(count);
  if (columns < 1 || count < codec_.shortest_input()) {
    throw Error(ErrorKind::unsupported, recording.string(),
                fmt::format("{} samples are too short for a reference", count),
                "give a recording of some seconds");
  }
  const at::Tensor wave = at::from_blob(samples.data(), {1, 1, count}, at::kFloat);
  const codec::Encoded encoded = codec_.encode(wave.to(codec_.device()), {count});
  // [K, T] without the column that sees what is behind the recording, as in training.
  const at::Tensor codes =
      encoded.codes[0].slice(1, 0, columns).to(at::kCPU, at::kInt).contiguous();
  const int32_t* values = codes.const_data_ptr<int32_t>();
  return {std::move(text),
          {{codes.size(0), codes.size(1), {values, values + codes.numel()}}, /*wide=*/false}};
}

Reference Engine::encode_reference(const base::fs::path& recording, std::string text,
                                   const base::BlobCache& kept) const {
  if (codec_file_.empty()) return encode_reference(recording, std::move(text));
  const std::string key = fmt::format("codes\n{}\n{}\n{}", base::version(), codec_file_,
                                      base::sha256_hex(base::read_file(recording)));
  if (const std::optional<std::string> bytes = kept.load(key))
    return {std::move(text), {to_codes(*bytes, recording.string()), /*wide=*/false}};
  Reference reference = encode_reference(recording, std::move(text));
  kept.keep(key, to_bytes(reference.codes.codes));
  return reference;
}

int Engine::sample_rate_hz() const {
  return static_cast<int>(codec_.config().spec_transform.sample_rate);
}

Speech Engine::say(std::string_view text, const std::vector<Reference>& references,
                   const SayOptions& options) const {
  Speaker speaker(model_, options.noises, twins_for(options.text.generate));
  SegmentDecoder decoder(codec_, options.on_audio);
  LongOptions inner = options.text;
  inner.generate.cores_taken = &decoder.busy();
  inner.on_codes = [&](size_t segment, std::span<const int32_t> codes) {
    decoder.add(segment, codes);
    if (options.text.on_codes) options.text.on_codes(segment, codes);
  };
  inner.on_segment = [&](const Segment& segment) {
    decoder.finish(segment);
    if (options.text.on_segment) options.text.on_segment(segment);
  };
  Speech speech{.samples = {},
                .sample_rate_hz = sample_rate_hz(),
                .frames = 0,
                .segments = generate_long(speaker, text, references, inner)};
  for (const Segment& segment : speech.segments) speech.frames += segment.codes.codes.frames;
  speech.samples = decoder.samples();
  return speech;
}

}  // namespace koi::speech

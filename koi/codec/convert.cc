#include "koi/codec/convert.h"

#include "koi/audio/audio_file.h"
#include "koi/audio/resample.h"
#include "koi/base/error.h"
#include "koi/checkpoint/npy.h"
#include "koi/tensor/bridge.h"

namespace koi::codec {
namespace {

namespace fs = base::fs;

// Codes of a .npy as [1, K, T].
at::Tensor read_codes_file(const fs::path& path, const FireflyConfig& config) {
  checkpoint::TensorView array = checkpoint::read_npy(path);
  if (array.shape.size() == 3 && array.shape[0] == 1) {
    array.shape.erase(array.shape.begin());
    array.strides.erase(array.strides.begin());
  }
  const checkpoint::Codes codes = checkpoint::to_codes(array, path.string());
  if (codes.codebooks != config.codebooks() || codes.frames == 0) {
    throw Error(ErrorKind::corrupt, path.string(),
                "holds codes " + checkpoint::shape_text({codes.codebooks, codes.frames}) + ", [" +
                    std::to_string(config.codebooks()) + ", 1 or more] was expected",
                "use the codec that the codes were made with");
  }
  return at::tensor(codes.values).view({1, codes.codebooks, codes.frames});
}

at::Tensor encode_file(const Firefly& codec, const fs::path& path) {
  std::vector<float> samples =
      audio::load_mono(path, static_cast<int>(codec.config().spec_transform.sample_rate));
  const auto count = static_cast<int64_t>(samples.size());
  return codec.encode(at::from_blob(samples.data(), {1, 1, count}, at::kFloat), {count}).codes;
}

// Of codes [1, K, T].
std::vector<float> decode_all(const Firefly& codec, const at::Tensor& codes) {
  const at::Tensor audio = codec.decode(codes, {codes.size(2)}).flatten().cpu().contiguous();
  const float* samples = audio.const_data_ptr<float>();
  return {samples, samples + audio.numel()};
}

void check_paths(const fs::path& input, const fs::path& output) {
  if (base::lower_extension(output) != ".wav")
    throw Error(ErrorKind::usage, output.string(), "must end in .wav");
  std::error_code ignored;
  if (fs::equivalent(input, output, ignored))
    throw Error(ErrorKind::usage, output.string(), "is the input, which would be overwritten");
}

}  // namespace

Conversion convert_file(const Firefly& codec, const fs::path& input, const fs::path& output) {
  check_paths(input, output);
  Conversion result;
  at::Tensor codes;  // [1, K, T]
  if (base::lower_extension(input) == ".npy") {
    codes = read_codes_file(input, codec.config());
  } else {
    codes = encode_file(codec, input).to(at::kCPU, at::kInt);
    result.codes_file = fs::path(output).replace_extension(".npy");
    checkpoint::write_npy(*result.codes_file, tensor::to_view(codes[0]));
  }
  result.codebooks = codes.size(1);
  result.columns = codes.size(2);

  const std::vector<float> samples = decode_all(codec, codes);
  const auto rate_hz = static_cast<int>(codec.config().spec_transform.sample_rate);
  audio::write_wav_pcm16(output, samples, rate_hz);
  result.audio_s = static_cast<double>(samples.size()) / rate_hz;
  return result;
}

std::vector<float> resynthesize(const Firefly& codec, const fs::path& recording) {
  return decode_all(codec, encode_file(codec, recording));
}

}  // namespace koi::codec

#include "koi/codec/decode_stream.h"

#include <gtest/gtest.h>

#include "koi/base/error.h"
#include "koi/base/process_memory.h"
#include "koi/base/random.h"
#include "koi/tensor/device.h"
#include "tests/support/codec_sizes.h"

namespace koi::codec {
namespace {

at::Tensor make_codes(const FireflyConfig& config, int64_t columns) {
  return (at::arange(config.codebooks() * columns).view({config.codebooks(), columns}) * 7919) %
         config.codebook_size();
}

// The samples of the columns in pushes of these sizes.
std::vector<float> decode_in(const Firefly& codec, const at::Tensor& codes,
                             const std::vector<int64_t>& sizes) {
  DecodeStream stream(codec);
  std::vector<float> all;
  int64_t begin = 0;
  for (const int64_t size : sizes) {
    stream.set_threads(1 + static_cast<size_t>(begin) % 3);
    const std::vector<float> samples = stream.push(codes.narrow(1, begin, size));
    all.insert(all.end(), samples.begin(), samples.end());
    begin += size;
  }
  EXPECT_EQ(begin, codes.size(1));
  return all;
}

std::vector<float> values_of(const at::Tensor& audio) {
  const at::Tensor flat = audio.flatten().contiguous();
  return {flat.const_data_ptr<float>(), flat.const_data_ptr<float>() + flat.numel()};
}

class DecodeStreamOf : public testing::TestWithParam<test::CodecSizes> {};

TEST_P(DecodeStreamOf, AnySplitGivesTheSameBits) {
  const Firefly codec = GetParam().make();
  constexpr int64_t kColumns = 31;
  const at::Tensor codes = make_codes(codec.config(), kColumns);
  tensor::set_threads(1);
  const std::vector<float> whole = values_of(codec.decode(codes.unsqueeze(0), {kColumns}));
  EXPECT_EQ(decode_in(codec, codes, std::vector<int64_t>(kColumns, 1)), whole);
  EXPECT_EQ(decode_in(codec, codes, {3, 7, 0, 20, 1}), whole);
  base::TorchRandom random(11);
  for (int round = 0; round < 4; ++round) {
    std::vector<int64_t> sizes;
    for (int64_t left = kColumns; left > 0; left -= sizes.back())
      sizes.push_back(std::min<int64_t>(left, static_cast<int64_t>(random.uniform(0, 9))));
    tensor::set_threads(1 + round % 2);
    EXPECT_EQ(decode_in(codec, codes, sizes), whole) << "round " << round;
  }
  tensor::set_threads(1);
}

// Against the layers on tensors, which know nothing of rows, packing and pieces.
TEST_P(DecodeStreamOf, EqualsTheTensorsLayers) {
  tensor::set_threads(1);
  const Firefly codec = GetParam().make();
  const at::Tensor codes = make_codes(codec.config(), 45);
  const at::Tensor audio = codec.decode(codes.unsqueeze(0), {45});
  const at::Tensor plain = codec.head.forward(codec.quantizer.decode(codes.unsqueeze(0)));
  ASSERT_EQ(audio.sizes(), plain.sizes());
  EXPECT_GT(plain.abs().max().item<double>(), 0.1);
  EXPECT_LE((audio - plain).abs().max().item<double>(), 1e-5);  // float32 sums in another order
}

INSTANTIATE_TEST_SUITE_P(Sizes, DecodeStreamOf,
                         testing::Values(test::kTinyCodec, test::kNarrowCodec, test::kOddCodec),
                         [](const auto& tested) { return std::string(tested.param.name); });

TEST(DecodeStream, AnErrorChangesNothing) {
  const Firefly codec = test::kTinyCodec.make();
  const at::Tensor codes = make_codes(codec.config(), 6);
  const std::vector<float> whole = values_of(codec.decode(codes.unsqueeze(0), {6}));
  DecodeStream stream(codec);
  std::vector<float> samples = stream.push(codes.narrow(1, 0, 2));
  EXPECT_THROW(stream.push(at::full({8, 3}, 1000, at::kLong)), Error);
  EXPECT_THROW(stream.push(at::zeros({7, 3}, at::kLong)), Error);
  const std::vector<float> rest = stream.push(codes.narrow(1, 2, 4));
  samples.insert(samples.end(), rest.begin(), rest.end());
  EXPECT_EQ(samples, whole);
}

TEST(DecodeStream, MemoryDoesNotGrow) {
  const Firefly codec = test::kTinyCodec.make();
  const at::Tensor codes = make_codes(codec.config(), 10);
  DecodeStream stream(codec);
  std::vector<float> samples(10 * 2048);
  const auto push_some = [&] {
    for (int i = 0; i < 30; ++i) stream.push(codes, samples.data());
  };
  push_some();
  const int64_t before = base::process_memory().resident_bytes;
  push_some();  // 14 s, whose samples alone would take 2.4 MB
  EXPECT_LT(base::process_memory().resident_bytes - before, 1 << 20);
}

}  // namespace
}  // namespace koi::codec

// The reference's random draws (fish-speech v1.4.3 on CPython 3.11.7 and torch <= 2.4.1's truncated
// normal): whole samples, and the state of the generator behind them. Tokens and labels are equal
// or wrong; there is no tolerance but the one that a test states.
#include <gtest/gtest.h>

#include <cmath>
#include <cstdlib>

#include "koi/base/error.h"
#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "koi/dataset/batch_source.h"
#include "koi/dataset/sampler.h"
#include "koi/dataset/shard_files.h"
#include "tests/support/goldens.h"

namespace koi::dataset {
namespace {

namespace fs = std::filesystem;
using nlohmann::json;

text::Tokenizer tokenizer() {
  return text::Tokenizer::load(test::golden("data/sampling/tokenizer"));
}

std::vector<uint32_t> seed_words(const json& seed) {
  const uint64_t value =
      seed.is_number_unsigned() ? seed.get<uint64_t>() : static_cast<uint64_t>(std::llabs(seed));
  std::vector<uint32_t> words{static_cast<uint32_t>(value)};
  if (value >> 32 != 0) words.push_back(static_cast<uint32_t>(value >> 32));
  return words;
}

// The "dataset" of a case: the reference's arguments.
SamplerOptions options_of(const json& dataset) {
  SamplerOptions options;
  options.specials = text::SpecialTokens::parse;
  for (const auto& [name, value] : dataset.items()) {
    if (name == "max_length") options.max_length = value;
    if (name == "interactive_prob") options.interactive_prob = value;
    if (name == "causal") options.causal = value;
    if (name == "num_codebooks") options.num_codebooks = value;
    if (name == "skip_text_prob") options.skip_text_prob = value;
    if (name != "use_speaker") continue;
    if (value.is_number_float()) {
      options.use_speaker = value.get<double>();
    } else {
      options.use_speaker = value.is_boolean() ? value.get<bool>() : value != 0;
    }
  }
  return options;
}

json groups_json(const std::vector<TextData>& groups) {
  json list = json::array();
  for (const TextData& group : groups)
    list.push_back({group.source, group.name, group.sentences.size()});
  return list;
}

std::vector<TextData> load(std::vector<fs::path> shards, uint64_t seed) {
  base::PythonRandom(seed).shuffle(shards);
  return read_groups(share_of(shards, {}), seed);
}

// The groups of a case: of all shards, or else of the one shard that holds just these.
std::vector<TextData> groups_of(const json& meta) {
  const std::vector<fs::path> shards = find_shards({test::golden("data/sampling/protos").string()});
  const uint64_t seed = meta.at("dataset").at("seed");
  std::vector<TextData> groups = load(shards, seed);
  for (const fs::path& shard : shards) {
    if (groups_json(groups) == meta.at("groups")) break;
    groups = load({shard}, seed);
  }
  EXPECT_EQ(groups_json(groups), meta["groups"]);
  return groups;
}

// int16 samples of a case, one behind the other.
class JoinedSamples {
 public:
  explicit JoinedSamples(const fs::path& path) {
    if (fs::exists(path)) values_ = checkpoint::to_doubles(checkpoint::read_npy(path));
  }
  TokenMatrix take(int64_t rows, int64_t columns) {
    TokenMatrix matrix(rows, columns, 0);
    for (int64_t& value : matrix.values) value = static_cast<int64_t>(values_.at(at_++));
    return matrix;
  }
  bool at_end() const { return at_ == values_.size(); }

 private:
  std::vector<double> values_;
  size_t at_ = 0;
};

void expect_case(const fs::path& folder) {
  const json file = test::read_json(folder / "case.json");
  const json& meta = file.at("meta");
  // Newer torch draws lengths by rejection, and so takes other samples.
  if (!meta.at("trunc_normal").get<std::string>().starts_with("torch<=2.4")) return;
  const SamplerSeeds seeds{seed_words(meta.at("random_seed")), meta.at("torch_seed")};
  const auto make = [&] {
    return Sampler(groups_of(meta), tokenizer(), options_of(meta.at("dataset")));
  };
  if (file.at("0").at("shape").is_object() && file["0"]["shape"].contains("error")) {
    EXPECT_THROW(make(), Error);  // the reference fails at each sample
    return;
  }
  const Sampler sampler = make();
  SamplerStreams streams(seeds);
  JoinedSamples tokens(folder / "tokens.npy"), labels(folder / "labels.npy");
  for (size_t i = 0; i + 1 < file.size(); ++i) {
    SCOPED_TRACE(i);
    const json& shape = file.at(std::to_string(i)).at("shape");
    const std::optional<Sample> sample = sampler.next(streams);
    ASSERT_EQ(sample.has_value(), !shape.is_null());
    if (!sample) continue;
    EXPECT_EQ(sample->tokens, tokens.take(shape.at(0), shape.at(1)));
    EXPECT_EQ(sample->labels, labels.take(shape.at(0), shape.at(1)));
  }
  EXPECT_TRUE(tokens.at_end() && labels.at_end());
  const base::RandomState state = streams.state().python;
  EXPECT_EQ(state.position, meta.at("mt_index_after"));
  EXPECT_EQ(state.words[0], meta.at("mt_word0_after"));
}

TEST(SamplingParity, Samples) {
  KOI_REQUIRE_GOLDEN("data/sampling/samples");
  size_t cases = 0;
  for (const auto& entry : fs::directory_iterator(test::golden("data/sampling/samples"))) {
    SCOPED_TRACE(entry.path().filename());
    expect_case(entry.path());
    ++cases;
  }
  EXPECT_GT(cases, 0U);
}

// Tolerance 1 unit in the last place: torch's erfinv is one of float32, ours is rounded from
// double.
TEST(SamplingParity, TruncatedNormal) {
  KOI_REQUIRE_GOLDEN("data/sampling/trunc_normal.json");
  for (const json& expected : test::read_json(test::golden("data/sampling/trunc_normal.json"))) {
    base::TorchRandom random(expected.at("torch_seed"));
    ASSERT_FALSE(expected.at("draws").empty());
    for (const json& draw : expected["draws"]) {
      const float wanted = draw.at(2);
      const float value = draw_truncated_length(random, expected.at("max_length"));
      EXPECT_GE(value, std::nextafterf(wanted, 0));
      EXPECT_LE(value, std::nextafterf(wanted, INFINITY));
    }
  }
}

TEST(SamplingParity, OddGroups) {
  KOI_REQUIRE_GOLDEN("data/sampling/odd_groups.json");
  const json cases = test::read_json(test::golden("data/sampling/odd_groups.json"));
  ASSERT_FALSE(cases.empty());
  const auto matrix = [](const json& rows) {
    TokenMatrix out(static_cast<int64_t>(rows.size()), static_cast<int64_t>(rows.at(0).size()), 0);
    out.values.clear();
    for (const json& row : rows) {
      for (const json& value : row) out.values.push_back(value);
    }
    return out;
  };
  for (const auto& [name, expected] : cases.items()) {
    SCOPED_TRACE(name);
    const json& dataset = expected.at("dataset");
    const auto draw = [&, &expected = expected, &name = name] {
      const Sampler sampler(
          load({test::golden("data/sampling/odd/" + name + ".protos")}, dataset.at("seed")),
          tokenizer(), options_of(dataset));
      SamplerStreams streams({seed_words(expected.at("random_seed")), expected.at("torch_seed")});
      for (const json& result : expected.at("results")) {
        const Sample sample = sampler.next(streams).value();
        EXPECT_EQ(sample.tokens, matrix(result.at("tokens")));
        EXPECT_EQ(sample.labels, matrix(result.at("labels")));
      }
    };
    if (expected.at("results").at(0).contains("error")) {
      const auto catch_kind = [&] {
        try {
          const Sampler sampler(
              load({test::golden("data/sampling/odd/" + name + ".protos")}, dataset.at("seed")),
              tokenizer(), options_of(dataset));
          SamplerStreams streams({{1}, 1});
          sampler.next(streams);
        } catch (const Error& error) {
          return error.kind();
        }
        return ErrorKind::internal;
      };
      EXPECT_EQ(catch_kind(), ErrorKind::corrupt);
    } else {
      draw();
    }
  }
}

TEST(SamplingParity, Collator) {
  KOI_REQUIRE_GOLDEN("data/sampling/collator/meta.json");
  const fs::path folder = test::golden("data/sampling/collator");
  const json meta = test::read_json(folder / "meta.json");
  JoinedSamples tokens(folder / "in_tokens.npy"), labels(folder / "in_labels.npy");
  std::vector<Sample> samples;
  for (const json& shape : meta.at("shapes")) {
    samples.push_back({tokens.take(shape.at(0), shape.at(1)), labels.take(shape[0], shape[1])});
  }
  const int64_t pad = tokenizer().eos_id().value();
  size_t compared = 0;
  for (const auto& [name, expected] : meta.at("cases").items()) {
    if (expected.contains("error")) continue;  // see CollatorErrors
    SCOPED_TRACE(name);
    const Batch batch = collate(samples, {expected.at("max_length"), pad});
    EXPECT_EQ(json({batch.size, batch.rows, batch.columns}), expected.at("inputs").at(1));
    JoinedSamples inputs(folder / (name + "_inputs.npy"));
    EXPECT_EQ(batch.tokens, inputs.take(1, static_cast<int64_t>(batch.tokens.size())).values);
    JoinedSamples wanted(folder / (name + "_labels.npy"));
    EXPECT_EQ(batch.labels, wanted.take(1, static_cast<int64_t>(batch.labels.size())).values);
    JoinedSamples masks(folder / (name + "_masks.npy"));
    EXPECT_EQ(std::vector<int64_t>(batch.attention_mask.begin(), batch.attention_mask.end()),
              masks.take(1, batch.size * batch.columns).values);
    ++compared;
  }
  EXPECT_GT(compared, 0U);
}

TEST(SamplingParity, CollatorErrors) {
  const Sample small{TokenMatrix(3, 5, 0), TokenMatrix(3, 5, 0)};
  const Sample large{TokenMatrix(5, 5, 0), TokenMatrix(5, 5, 0)};
  EXPECT_THROW(collate({}, {}), Error);
  EXPECT_THROW(collate({small, large}, {}), Error);
}

TEST(SamplingParity, Workers) {
  KOI_REQUIRE_GOLDEN("data/sampling/data_module.json");
  const json module = test::read_json(test::golden("data/sampling/data_module.json"));
  const json& expected = module.at("workers");
  BatchSourceOptions options;
  options.datasets = {{.proto_files = {test::golden("data/sampling/protos").string()},
                       .seed = expected.at("dataset").at("seed"),
                       .sampler = options_of(expected.at("dataset"))}};
  options.max_length = options.datasets[0].sampler.max_length;
  options.batch_size = expected.at("batch_size");
  // The seed of the loader's workers is torch's first random number.
  base::TorchRandom torch(expected.at("torch_seed"));
  const int64_t base_seed = torch.integer();
  EXPECT_EQ(base_seed, expected.at("first_int64_random_"));
  options.num_workers = expected.at("num_workers");
  options.base_seed = static_cast<uint64_t>(base_seed);

  BatchSource source(options, tokenizer());
  JoinedSamples inputs(test::golden("data/sampling/workers_inputs.npy"));
  JoinedSamples labels(test::golden("data/sampling/workers_labels.npy"));
  for (const json& shape : expected.at("batch_shapes")) {
    const Batch batch = source.next();
    ASSERT_EQ(json({batch.size, batch.rows, batch.columns}), shape);
    EXPECT_EQ(batch.tokens, inputs.take(1, static_cast<int64_t>(batch.tokens.size())).values);
    EXPECT_EQ(batch.labels, labels.take(1, static_cast<int64_t>(batch.labels.size())).values);
  }
  EXPECT_TRUE(inputs.at_end() && labels.at_end());
}

TEST(SamplingParity, Interleave) {
  KOI_REQUIRE_GOLDEN("data/sampling/interleave.json");
  const json cases = test::read_json(test::golden("data/sampling/interleave.json"));
  ASSERT_FALSE(cases.empty());
  for (const json& expected : cases) {
    const Mixture mixture(expected.at("probabilities").get<std::vector<double>>());
    const SamplerSeeds seeds{.python = {1}, .torch = 1, .picks = expected.at("seed")};
    SamplerStreams streams(seeds);
    ASSERT_FALSE(expected.at("picks").empty());
    for (const json& pick : expected["picks"]) EXPECT_EQ(mixture.index(streams.pick()), pick);
  }
}

TEST(SamplingParity, Defaults) {
  KOI_REQUIRE_GOLDEN("data/sampling/data_module.json");
  const json module = test::read_json(test::golden("data/sampling/data_module.json"));
  const SamplerOptions wanted = options_of(module.at("dataset_defaults"));
  const SamplerOptions ours;
  EXPECT_EQ(ours.max_length, wanted.max_length);
  EXPECT_EQ(ours.interactive_prob, wanted.interactive_prob);
  EXPECT_EQ(ours.use_speaker, wanted.use_speaker);
  EXPECT_EQ(ours.causal, wanted.causal);
  EXPECT_EQ(ours.skip_text_prob, wanted.skip_text_prob);
  EXPECT_EQ(DatasetOptions().seed, module["dataset_defaults"].at("seed"));
  for (const auto& [name, error] : module.items()) {
    if (!name.starts_with("interactive_prob_")) continue;
    SamplerOptions options;
    options.interactive_prob = std::stod(name.substr(std::string("interactive_prob_").size()));
    EXPECT_THROW(Sampler({{"", "", {{{"a"}, {{1}}}}}}, tokenizer(), options), Error);
  }
}

}  // namespace
}  // namespace koi::dataset

// Training's data with data.sampler=reference against the batches that the reference's loader gave
// (fish-speech v1.4.3, two worker processes, torch seeded). Tokens and labels are equal.
#include <gtest/gtest.h>

#include "koi/checkpoint/elements.h"
#include "koi/checkpoint/npy.h"
#include "koi/train/run_data.h"
#include "tests/support/goldens.h"

namespace koi::train {
namespace {

using nlohmann::json;

std::vector<int64_t> read_integers(const std::string& name) {
  const auto values =
      checkpoint::to_doubles(checkpoint::read_npy(test::golden("data/sampling/" + name)));
  return {values.begin(), values.end()};
}

TEST(TrainData, TheReferencesBatches) {
  KOI_REQUIRE_GOLDEN("data/sampling/data_module.json");
  const json module = test::read_json(test::golden("data/sampling/data_module.json"));
  const json& expected = module.at("workers");
  const json& dataset = expected.at("dataset");
  Settings settings;
  settings.seed = expected.at("torch_seed");
  settings.reference_sampling = true;
  settings.num_workers = expected.at("num_workers");
  settings.batch_size = expected.at("batch_size");
  settings.max_length = dataset.at("max_length");
  settings.train_data.datasets = {{.proto_files = {test::golden("data/sampling/protos").string()},
                                   .max_length = dataset.at("max_length"),
                                   .causal = dataset.at("causal"),
                                   .use_speaker = dataset.at("use_speaker").get<bool>(),
                                   .interactive_prob = dataset.at("interactive_prob"),
                                   .seed = dataset.at("seed")}};

  const int64_t codebooks = expected.at("batch_shapes").at(0).at(1).get<int64_t>() - 1;
  const auto options = reference_options(settings, Stream::train_data, codebooks);
  EXPECT_EQ(static_cast<int64_t>(options.base_seed), expected.at("first_int64_random_"));
  const auto tokenizer = text::Tokenizer::load(test::golden("data/sampling/tokenizer"));
  dataset::BatchSource source(options, tokenizer);
  std::vector<int64_t> tokens, labels;
  for (const json& shape : expected["batch_shapes"]) {
    const dataset::Batch batch = source.next();
    EXPECT_EQ(json({batch.size, batch.rows, batch.columns}), shape);
    tokens.insert(tokens.end(), batch.tokens.begin(), batch.tokens.end());
    labels.insert(labels.end(), batch.labels.begin(), batch.labels.end());
  }
  EXPECT_EQ(tokens, read_integers("workers_inputs.npy"));
  EXPECT_EQ(labels, read_integers("workers_labels.npy"));
}

TEST(TrainData, DatasetSeedsAreTheReferences) {
  KOI_REQUIRE_GOLDEN("data/sampling/data_module.json");
  const json module = test::read_json(test::golden("data/sampling/data_module.json"));
  const json& defaults = module.at("dataset_defaults");
  EXPECT_EQ(DatasetSettings().seed, defaults.at("seed"));
  EXPECT_EQ(DatasetSettings().skip_text_prob, defaults.at("skip_text_prob"));
}

TEST(TrainData, ValidationDrawsOtherSamples) {
  Settings settings;
  settings.reference_sampling = true;
  settings.train_data.datasets = settings.val_data.datasets = {{.proto_files = {"x"}}};
  settings.val_data.seed = 9;
  const auto train = reference_options(settings, Stream::train_data, 8);
  const auto validation = reference_options(settings, Stream::val_data, 8);
  EXPECT_NE(train.base_seed, validation.base_seed);
  EXPECT_EQ(validation.picks_seed, 9U);
  EXPECT_EQ(train.datasets[0].seed, validation.datasets[0].seed);
}

}  // namespace
}  // namespace koi::train

#include "koi/dataset/batch_source.h"

#include <gtest/gtest.h>

#include <algorithm>

#include "koi/base/error.h"
#include "tests/support/goldens.h"
#include "tests/support/temp_dir.h"

namespace koi::dataset {
namespace {

class Batches : public testing::Test {
 protected:
  void SetUp() override { options.datasets = {{.proto_files = {folder.path().string()}}}; }

  // A shard with `count` sentences of 3 codebooks.
  void write(const std::string& name, size_t count, const std::string& text = "one word") {
    TextData record{"folder", "ada", {}};
    for (size_t i = 0; i < count; ++i) {
      const auto code = static_cast<uint32_t>(i);
      record.sentences.push_back({{text}, CodeRows(3, {code, code, code})});
    }
    base::write_file(folder / name, record_bytes(record));
  }
  BatchSource open() const { return BatchSource(options, tokenizer()); }
  static const text::Tokenizer& tokenizer() {
    static const auto loaded = text::Tokenizer::load(std::string(KOI_SOURCE_DIR) +
                                                     "/tests/goldens/data/sampling/tokenizer");
    return loaded;
  }

  test::TempDir folder;
  BatchSourceOptions options;
};

TEST_F(Batches, OneSentenceIsEnough) {
  write("a.protos", 1);
  options.batch_size = 5;
  options.num_workers = 3;
  BatchSource source = open();
  for (int i = 0; i < 20; ++i) {
    const Batch batch = source.next();
    EXPECT_EQ(batch.size, 5);
    EXPECT_EQ(batch.rows, 4);
    EXPECT_GT(batch.columns, 0);
    EXPECT_EQ(batch.tokens.size(), static_cast<size_t>(5 * 4 * batch.columns));
  }
}

TEST_F(Batches, EmptyDatasetIsAnError) {
  EXPECT_THROW(open(), Error);  // no shard
  write("a.protos", 0);
  EXPECT_THROW(open(), Error);  // no sentence
  base::write_file(folder / "a.protos", "xx");
  EXPECT_THROW(open(), Error);  // no record
  options.datasets[0].proto_files = {(folder / "nowhere").string()};
  EXPECT_THROW(open(), Error);
}

TEST_F(Batches, SettingsThatCannotBe) {
  write("a.protos", 1);
  const BatchSourceOptions good = options;
  const auto refused = [&](auto change) {
    options = good;
    change(options);
    try {
      open();
    } catch (const Error& error) {
      return error.kind() == ErrorKind::config || error.kind() == ErrorKind::corrupt;
    }
    return false;
  };
  EXPECT_TRUE(refused([](auto& o) { o.batch_size = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.max_length = 19; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets[0].sampler.max_length = 19; }));
  EXPECT_TRUE(refused([](auto& o) { o.rank = 1; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets.clear(); }));
  EXPECT_TRUE(refused([](auto& o) { o.probabilities = {0.5, 0.5}; }));
  EXPECT_TRUE(refused([](auto& o) { o.probabilities = {0}; }));
  EXPECT_TRUE(refused([](auto& o) { o.rank = -1; }));
  EXPECT_TRUE(refused([](auto& o) { o.num_workers = 0; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets[0].sampler.interactive_prob = -0.1; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets[0].sampler.skip_text_prob = 1.5; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets[0].sampler.use_speaker = 2.0; }));
  EXPECT_TRUE(refused([](auto& o) { o.datasets[0].sampler.num_codebooks = 4; }));  // the data has 3
}

TEST_F(Batches, GoesOnExactlyThere) {
  write("a.protos", 50);
  options.num_workers = 2;
  BatchSource source = open();
  for (int i = 0; i < 3; ++i) source.next();
  const BatchSourceState state = source.state();
  BatchSource other = open();
  other.next();
  other.restore(state);
  EXPECT_EQ(other.state(), state);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(other.next().tokens, source.next().tokens);
  options.num_workers = 3;
  EXPECT_THROW(open().restore({{}, 0}), Error);
}

// The datasets' texts have different lengths: the batches show which one each sample took.
TEST_F(Batches, SeveralDatasetsShareOneStream) {
  for (const char* name : {"a", "b"}) base::make_folder(folder / name);
  write("a/0.protos", 1, "one");
  write("b/0.protos", 1, "two two two two");
  options.datasets.clear();
  for (const char* name : {"a", "b"})
    options.datasets.push_back({.proto_files = {(folder / name).string()}});
  options.batch_size = 1;
  const auto columns_of = [&](size_t dataset) {
    BatchSourceOptions alone = options;
    alone.datasets = {options.datasets[dataset]};
    return BatchSource(alone, tokenizer()).next().columns;
  };
  const int64_t first = columns_of(0), second = columns_of(1);
  ASSERT_NE(first, second);

  options.probabilities = {0.2, 0.8};
  options.base_seed = 7;
  options.picks_seed = 5;
  BatchSource source = open();
  BatchSource unbroken = open();
  base::NumpyRandom picks(5);
  for (int i = 0; i < 100; ++i) {
    const BatchSourceState state = source.state();
    source = open();
    source.restore(state);
    const Batch batch = source.next();
    ASSERT_EQ(batch.tokens, unbroken.next().tokens);
    EXPECT_EQ(batch.columns, picks.random() >= 0.2 ? second : first);
  }
}

// As in the reference, a transcript that spells special tokens out gives them.
TEST_F(Batches, TranscriptsGiveSpecialTokens) {
  write("a.protos", 1, "<|im_end|><|semantic|>");
  options.batch_size = 1;
  const Batch batch = open().next();
  EXPECT_EQ(std::count(batch.tokens.begin(), batch.tokens.begin() + batch.columns,
                       tokenizer().require_id("<|semantic|>")),
            1 + 3);  // and one a frame
}

}  // namespace
}  // namespace koi::dataset

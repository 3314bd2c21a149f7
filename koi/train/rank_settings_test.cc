#include "koi/train/rank_settings.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/config/compose.h"

namespace koi::train {
namespace {

using testing::HasSubstr;

RankSettings read(const std::vector<std::string>& overrides) {
  const auto composition = config::compose("text2semantic_finetune", overrides, {});
  config::Reader reader(composition.config);
  return read_rank_settings(reader);
}

TEST(RankSettings, ReadsTheReferencesKeys) {
  const RankSettings plain = read({});
  EXPECT_EQ(plain.num_nodes, 1);
  EXPECT_EQ(plain.devices, 0);
  EXPECT_TRUE(plain.nccl);
  EXPECT_EQ(plain.timeout_s, 30);
  const RankSettings asked =
      read({"trainer.num_nodes=2", "trainer.devices=4",
            "trainer.strategy.process_group_backend=gloo", "trainer.timeout_s=90"});
  EXPECT_EQ(asked.num_nodes, 2);
  EXPECT_EQ(asked.devices, 4);
  EXPECT_FALSE(asked.nccl);
  EXPECT_EQ(asked.timeout_s, 90);
  EXPECT_EQ(read({"trainer.devices=-1"}).devices, 0);
}

TEST(RankSettings, RefusesWhatCannotBe) {
  for (const char* override :
       {"trainer.devices=0", "trainer.devices=two", "trainer.devices=[0,1]", "trainer.devices=9999",
        "trainer.num_nodes=0", "trainer.strategy.process_group_backend=mpi", "trainer.timeout_s=0",
        "trainer.timeout_s=nan"}) {
    const std::string key = std::string(override).substr(0, std::string(override).find('='));
    try {
      read({override});
      ADD_FAILURE() << override << " was taken";
    } catch (const Error& error) {
      EXPECT_EQ(error.kind(), ErrorKind::config);
      EXPECT_THAT(error.what(), HasSubstr(key));
    }
  }
}

base::Launch started(int world_size, int local_size) {
  base::Launch launch;
  launch.launcher = "torchrun";
  launch.world_size = world_size;
  launch.local_size = local_size;
  return launch;
}

std::string mismatch(const base::Launch& launch, int64_t num_nodes, int64_t devices) {
  RankSettings settings;
  settings.num_nodes = num_nodes;
  settings.devices = devices;
  try {
    check_launch(launch, settings);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), ErrorKind::config);
    return error.what();
  }
  return "";
}

TEST(RankSettings, AreComparedWithWhatWasStarted) {
  EXPECT_EQ(mismatch({}, 1, 0), "");
  EXPECT_EQ(mismatch({}, 1, 4), "");  // koi starts them itself
  EXPECT_EQ(mismatch(started(8, 4), 1, 0), "");
  EXPECT_EQ(mismatch(started(8, 4), 2, 4), "");
  EXPECT_EQ(mismatch(started(4, 0), 2, 2), "");
  EXPECT_THAT(mismatch({}, 2, 0), HasSubstr("trainer.num_nodes: 2 machines are asked for, but"));
  EXPECT_THAT(mismatch(started(8, 4), 3, 0), HasSubstr("8 processes, 4 of them on this machine"));
  EXPECT_THAT(mismatch(started(8, 4), 4, 0), HasSubstr("trainer.num_nodes: 4 machines"));
  EXPECT_THAT(mismatch(started(4, 0), 3, 0), HasSubstr("torchrun started: 4 processes;"));
  EXPECT_THAT(mismatch(started(8, 4), 2, 3), HasSubstr("trainer.devices: 3 do not go with"));
}

}  // namespace
}  // namespace koi::train

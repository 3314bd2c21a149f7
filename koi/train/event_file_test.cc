#include "koi/train/event_file.h"

#include <gmock/gmock.h>

#include "koi/base/bytes.h"
#include "koi/train/event.pb.h"
#include "tests/support/temp_dir.h"

namespace koi::train {
namespace {

// Bit by bit. Source: RFC 3720, appendix B.4.
uint32_t crc32c(std::string_view bytes) {
  uint32_t crc = ~uint32_t{0};
  for (const char byte : bytes) {
    crc ^= static_cast<uint8_t>(byte);
    for (int bit = 0; bit < 8; ++bit) crc = (crc >> 1) ^ (crc & 1 ? 0x82F63B78 : 0);
  }
  return ~crc;
}

uint32_t unmasked(uint32_t masked) {
  const uint32_t rotated = masked - 0xa282ead8;
  return (rotated << 15) | (rotated >> 17);
}

std::vector<proto::Event> read_events(const base::fs::path& path) {
  const std::string bytes = base::read_file(path);
  base::ByteReader reader(bytes, path.string());
  std::vector<proto::Event> events;
  while (!reader.at_end()) {
    const std::string_view length = reader.take(8);
    EXPECT_EQ(unmasked(reader.read<uint32_t>()), crc32c(length));
    const std::string_view message =
        reader.take(base::ByteReader(length, "length").read<uint64_t>());
    EXPECT_EQ(unmasked(reader.read<uint32_t>()), crc32c(message));
    EXPECT_TRUE(events.emplace_back().ParseFromString(std::string(message)));
  }
  return events;
}

TEST(EventFile, HoldsVersionSessionAndScalars) {
  ASSERT_EQ(crc32c("123456789"), 0xE3069283);
  const test::TempDir folder;
  EventFile file(folder / "tensorboard", 0);
  file.add(1, {{"train/loss", 2.5}, {"lr", 1e-4}});
  file.add(2, {{"train/loss", 0}});
  const auto events = read_events(file.path());
  ASSERT_EQ(events.size(), 4u);
  EXPECT_EQ(events[0].file_version(), "brain.Event:2");
  EXPECT_EQ(events[1].session_log().status(), proto::SessionLog::START);
  EXPECT_EQ(events[2].step(), 1);
  ASSERT_EQ(events[2].summary().value_size(), 2);
  EXPECT_EQ(events[2].summary().value(0).tag(), "train/loss");
  EXPECT_EQ(events[2].summary().value(0).simple_value(), 2.5f);
  EXPECT_EQ(events[2].summary().value(1).simple_value(), 1e-4f);
  EXPECT_EQ(events[3].step(), 2);
  EXPECT_TRUE(events[3].summary().value(0).has_simple_value());
  EXPECT_GE(events[3].wall_time(), events[2].wall_time());
  EXPECT_GT(events[2].wall_time(), 1.7e9);
}

TEST(EventFile, ALaterOneComesBehindAndSaysFromWhere) {
  const test::TempDir folder;
  std::vector<base::fs::path> paths;
  for (const int64_t step : {0, 3, 5}) {
    const EventFile file(folder.path(), step);
    EXPECT_EQ(read_events(file.path())[1].step(), step);
    paths.push_back(file.path().filename());
  }
  EXPECT_TRUE(std::is_sorted(paths.begin(), paths.end()));
  EXPECT_EQ(std::unique(paths.begin(), paths.end()), paths.end());
}

}  // namespace
}  // namespace koi::train

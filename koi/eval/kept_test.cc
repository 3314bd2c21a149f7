#include "koi/eval/kept.h"

#include <gmock/gmock.h>

#include "tests/support/temp_dir.h"

namespace koi::eval {
namespace {

TEST(Kept, OutlivesTheProgram) {
  const test::TempDir dir;
  {
    Kept kept(dir / "kept.jsonl");
    EXPECT_FALSE(kept.find("a"));
    kept.keep("a", "값\n\"1\"");
    kept.keep("b", "2");
    kept.keep("b", "3");
    EXPECT_EQ(kept.find("b"), "3");
  }
  const Kept kept(dir / "kept.jsonl");
  EXPECT_EQ(kept.find("a"), "값\n\"1\"");
  EXPECT_EQ(kept.find("b"), "3");
}

TEST(Kept, ADamagedFileLosesOnlyWhatIsDamaged) {
  const test::TempDir dir;
  const base::fs::path file = dir / "kept.jsonl";
  {
    Kept kept(file);
    kept.keep("a", "1");
    kept.keep("b", "2");
  }
  const std::string bytes = base::read_file(file);
  base::write_file(file, "[]\n{\"key\": 1, \"value\": 2}\n" + bytes.substr(0, bytes.size() - 5));
  {
    Kept kept(file);
    EXPECT_EQ(kept.find("a"), "1");
    EXPECT_FALSE(kept.find("b"));
    kept.keep("c", "3");
  }
  EXPECT_EQ(Kept(file).find("c"), "3");
}

}  // namespace
}  // namespace koi::eval

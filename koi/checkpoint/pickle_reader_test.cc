#include "koi/checkpoint/pickle_reader.h"

#include <gmock/gmock.h>

#include "koi/base/error.h"
#include "koi/checkpoint/pickle_writer.h"

namespace koi::checkpoint {
namespace {

using namespace std::string_literals;
using testing::AllOf;
using testing::HasSubstr;
using testing::StartsWith;

// A pickle of protocol 2 with one storage "0" of four floats.
Value read(const std::string& body) {
  static const std::string storage(16, '\0');
  const auto bytes_of = [](const std::string&) { return std::string_view(storage); };
  return read_pickle("\x80\x02" + body + ".", {bytes_of, nullptr}, "m.pth");
}

std::string error_of(const std::string& body, ErrorKind kind) {
  try {
    read(body);
  } catch (const Error& error) {
    EXPECT_EQ(error.kind(), kind) << error.what();
    return error.what();
  }
  return "no error";
}

// A [2, 2] tensor over storage "0"; `numbers` is offset, shape and strides.
std::string tensor(const std::string& numbers,
                   const std::string& storage = "ctorch\nFloatStorage\n", char numel = 4) {
  return "ctorch._utils\n_rebuild_tensor_v2\n((U\x07storage" + storage + "U\x01"s + "0U\x03" +
         "cpuK" + numel + "tQ" + numbers + "\x89}tR";
}

TEST(PickleReader, CallsAreRefusedByName) {
  for (const char* name : {"os\nsystem", "builtins\neval", "torch\nload", "numpy\nload",
                           "functools\npartial", "posix\nsystem"}) {
    std::string dotted = name;
    std::replace(dotted.begin(), dotted.end(), '\n', '.');
    EXPECT_THAT(error_of("c"s + name + "\nU\x02idx\x85R", ErrorKind::unsupported),
                AllOf(StartsWith("m.pth: the pickle calls " + dotted + "; refused"),
                      HasSubstr("nothing in a checkpoint is executed")));
  }
  EXPECT_THAT(error_of("U\x02osU\x06system\x93", ErrorKind::unsupported), HasSubstr("os.system"));
  EXPECT_THAT(error_of("(ios\nsystem\n", ErrorKind::unsupported), HasSubstr("os.system"));
}

TEST(PickleReader, HostileNamesStayOnOneLine) {
  EXPECT_THAT(error_of("U\x03o\ns\x55\x01x\x93", ErrorKind::unsupported),
              HasSubstr("calls o\\ns.x;"));
}

TEST(PickleReader, CirclesAndDepthsAreRefused) {
  EXPECT_THAT(error_of("]q\x00h\x00"s + "a", ErrorKind::unsupported), HasSubstr("holds itself"));
  const size_t deep = 500'000;
  EXPECT_THAT(error_of(std::string(deep, ']') + std::string(deep - 1, 'a'), ErrorKind::unsupported),
              HasSubstr("nested too deeply"));
  // Thrown away it does no harm, and taking it apart must not recurse either.
  EXPECT_TRUE(read(std::string(deep, ']') + std::string(deep - 1, 'a') + "0N").is_none());
}

TEST(PickleReader, SharingDoesNotBlowUp) {
  // Each list holds the one before ten times.
  std::string laughs = "]q\x00"s;
  for (char i = 0; i < 30; ++i) {
    laughs += "](";
    for (int copies = 0; copies < 10; ++copies) laughs += "h"s + i;
    laughs += "eq"s + static_cast<char>(i + 1);
  }
  EXPECT_THAT(error_of(laughs, ErrorKind::unsupported), HasSubstr("too many values"));

  std::string copies = "T"s + "\x00\x00\x10\x00"s + std::string(1 << 20, 'x') + "q\x00("s;
  for (int i = 0; i < 1000; ++i) copies += "h\x00"s;
  EXPECT_THAT(error_of(copies + "t", ErrorKind::unsupported), HasSubstr("256 MiB"));
}

TEST(PickleReader, DamageIsSaidInOneLine) {
  for (const std::string& body :
       {"0"s, "N(0"s, "NN(\x86"s, "Nt"s, "h\x07"s, "}(NNNu"s, "K\x01}b"s, "U\x01"s + "a)R", "\xfe"s,
        "\x8b\xff\xff\xff\xff"s, "X\xff\xff\xff\x7f"s, "U\x02\xc3\x28"s,
        "\x8a\x09"s + std::string(9, '\x01'), "NNs"s, "N}Na"s, "K\x01Q"s}) {
    EXPECT_THAT(error_of(body, ErrorKind::corrupt), StartsWith("m.pth: ")) << body;
  }
}

TEST(PickleReader, TensorsStayInTheirStorage) {
  const Value value = read(tensor("K\x00K\x02K\x02\x86K\x02K\x01\x86"s));
  ASSERT_NE(value.get<TensorView>(), nullptr);
  EXPECT_EQ(value.get<TensorView>()->shape, (std::vector<int64_t>{2, 2}));
  for (const std::string& wrong :
       {tensor("K\x01K\x02K\x02\x86K\x02K\x01\x86"s), tensor("K\x00K\x02K\x02\x86K\x09K\x01\x86"s),
        tensor("K\x00K\x05\x85K\x00\x85"s), tensor("K\x00K\x02\x85)"s),
        tensor("K\x00K\x04\x85K\x01\x85"s, "ctorch\nFloatStorage\n", 5),
        tensor("K\x00K\x04\x85K\x01\x85"s, "U\x01x")}) {
    EXPECT_THAT(error_of(wrong, ErrorKind::corrupt), StartsWith("m.pth: "));
  }
}

TEST(PickleReader, IntegersOfEveryWidth) {
  for (const int64_t number :
       {int64_t{0}, int64_t{255}, int64_t{256}, int64_t{65536}, int64_t{-1}, int64_t{1} << 31,
        -(int64_t{1} << 31) - 1, int64_t{127} << 32, int64_t{128} << 32, INT64_MAX, INT64_MIN}) {
    const Pickle pickle = write_pickle(number, "m.pth");
    const Value back = read_pickle(pickle.bytes, {}, "m.pth");
    ASSERT_NE(back.get<int64_t>(), nullptr);
    EXPECT_EQ(*back.get<int64_t>(), number);
  }
}

TEST(PickleReader, LastOfEqualKeysCounts) {
  EXPECT_EQ(*read("}U\x01"s + "aK\x01sU\x01" + "aK\x02s").find("a")->get<int64_t>(), 2);
}

TEST(PickleReader, OpaqueObjectsKeepWhatTheyWereGiven) {
  const Value value = read("cpathlib\nPosixPath\nU\x01xU\x01y\x86R");
  const auto* object = value.get<std::shared_ptr<Object>>();
  ASSERT_NE(object, nullptr);
  EXPECT_EQ((*object)->type.name, "PosixPath");
  EXPECT_EQ((*object)->arguments.as_tuple()->items.size(), 2u);
}

}  // namespace
}  // namespace koi::checkpoint

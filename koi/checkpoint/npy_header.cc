#include "koi/checkpoint/npy_header.h"

#include <algorithm>
#include <array>
#include <charconv>

#include "koi/base/error.h"

namespace koi::checkpoint {
namespace {

constexpr std::string_view kMagic = "\x93NUMPY";
constexpr size_t kMaxHeader = 10000;  // numpy's own limit
constexpr size_t kAlignment = 64;

struct TypeName {
  std::string_view code, name;  // "i4", "int32"
  DType dtype;
};
constexpr std::array<TypeName, 12> kTypes{{{"f8", "float64", DType::f64},
                                           {"f4", "float32", DType::f32},
                                           {"f2", "float16", DType::f16},
                                           {"i8", "int64", DType::i64},
                                           {"i4", "int32", DType::i32},
                                           {"i2", "int16", DType::i16},
                                           {"i1", "int8", DType::i8},
                                           {"u1", "uint8", DType::u8},
                                           {"u2", "uint16", DType::u16},
                                           {"u4", "uint32", DType::u32},
                                           {"u8", "uint64", DType::u64},
                                           {"b1", "bool", DType::boolean}}};

// The few forms of Python literals that stand in a header.
class LiteralReader {
 public:
  LiteralReader(std::string_view text, const std::string& where) : text_(text), where_(where) {}

  bool accept(std::string_view token) {
    skip_spaces();
    if (text_.substr(0, token.size()) != token) return false;
    text_.remove_prefix(token.size());
    return true;
  }

  void expect(std::string_view token) {
    if (!accept(token)) fail("'" + std::string(token) + "' expected");
  }

  std::string_view string() {
    const char quote = accept("'") ? '\'' : '"';
    if (quote == '"') expect("\"");
    const size_t end = text_.find(quote);
    if (end == std::string_view::npos || text_.substr(0, end).find('\\') != std::string_view::npos)
      fail("a plain string expected");
    const std::string_view content = text_.substr(0, end);
    text_.remove_prefix(end + 1);
    return content;
  }

  bool boolean() {
    if (accept("True")) return true;
    if (accept("False")) return false;
    fail("True or False expected");
  }

  int64_t integer() {
    skip_spaces();
    int64_t value = 0;
    const auto [end, error] = std::from_chars(text_.data(), text_.data() + text_.size(), value);
    if (error != std::errc()) fail("a whole number expected");
    text_.remove_prefix(static_cast<size_t>(end - text_.data()));
    accept("L");  // Python 2's long
    return value;
  }

  std::vector<int64_t> tuple() {
    expect("(");
    std::vector<int64_t> items;
    bool comma = true;
    while (!accept(")")) {
      if (!comma) fail("',' or ')' expected");
      items.push_back(integer());
      comma = accept(",");
    }
    if (items.size() == 1 && !comma) fail("a tuple expected, not a number in parentheses");
    return items;
  }

  void end() {
    skip_spaces();
    if (!text_.empty()) fail("nothing more expected");
  }

  [[noreturn]] void fail(const std::string& expectation) const {
    throw Error(ErrorKind::corrupt, where_,
                "the .npy header is damaged: " + expectation + " before \"" +
                    std::string(text_.substr(0, 20)) + "\"",
                "write the array again with numpy.save");
  }

 private:
  void skip_spaces() {
    text_.remove_prefix(std::min(text_.find_first_not_of(" \t\r\n"), text_.size()));
  }

  std::string_view text_;
  const std::string& where_;
};

// '<i4', '|u1', '=i4', 'i4', 'int32'.
void set_type(NpyHeader& header, std::string_view descr, const std::string& where) {
  std::string_view code = descr;
  if (!code.empty() && std::string_view("<>=|").find(code[0]) != std::string_view::npos) {
    header.big_endian = code[0] == '>';
    code.remove_prefix(1);
  }
  for (const TypeName& type : kTypes) {
    if (code == type.code || descr == type.name) {
      header.dtype = type.dtype;
      return;
    }
  }
  throw Error(ErrorKind::unsupported, where,
              "holds elements of the type '" + std::string(descr) +
                  "', numbers of 8 to 64 bits were expected",
              "convert it with numpy.astype");
}

std::string_view header_text(base::ByteReader& bytes) {
  constexpr std::string_view kRemedy = "a file of numpy.save is expected";
  if (bytes.remaining() < kMagic.size() || bytes.take(kMagic.size()) != kMagic)
    bytes.fail("is no .npy file", kRemedy);
  const auto major = bytes.read<uint8_t>();
  const auto minor = bytes.read<uint8_t>();
  if (major < 1 || major > 3 || minor != 0) {
    throw Error(ErrorKind::unsupported, bytes.where(),
                "has .npy version " + std::to_string(major) + "." + std::to_string(minor) +
                    ", versions 1.0, 2.0 and 3.0 are known",
                kRemedy);
  }
  const size_t length = major == 1 ? bytes.read<uint16_t>() : bytes.read<uint32_t>();
  if (length > kMaxHeader) {
    bytes.fail("has a header of " + std::to_string(length) + " bytes, at most " +
               std::to_string(kMaxHeader) + " are allowed");
  }
  return bytes.take(length);
}

}  // namespace

NpyHeader read_npy_header(base::ByteReader& bytes) {
  LiteralReader literal(header_text(bytes), bytes.where());
  NpyHeader header;
  bool descr = false, order = false, shape = false, comma = true;
  literal.expect("{");
  while (!literal.accept("}")) {
    if (!comma) literal.fail("',' or '}' expected");
    const std::string_view key = literal.string();
    literal.expect(":");
    if (key == "descr") {
      if (literal.accept("[")) set_type(header, "structured", bytes.where());
      set_type(header, literal.string(), bytes.where());
      descr = true;
    } else if (key == "fortran_order") {
      header.fortran_order = literal.boolean();
      order = true;
    } else if (key == "shape") {
      header.shape = literal.tuple();
      shape = true;
    } else {
      literal.fail("no key '" + std::string(key) + "' expected");
    }
    comma = literal.accept(",");
  }
  literal.end();
  if (!descr || !order || !shape) literal.fail("the keys descr, fortran_order and shape expected");
  return header;
}

std::string npy_header_bytes(DType dtype, const std::vector<int64_t>& shape) {
  std::string_view code;
  for (const TypeName& type : kTypes) {
    if (type.dtype == dtype) code = type.code;
  }
  if (code.empty()) {
    throw Error(ErrorKind::unsupported, "npy", "has no element type " + std::string(name_of(dtype)),
                "convert to F32 first");
  }
  std::string header = "{'descr': '";
  header += size_of(dtype) == 1 ? '|' : '<';
  header.append(code).append("', 'fortran_order': False, 'shape': (");
  for (size_t i = 0; i < shape.size(); ++i)
    header.append(i == 0 ? "" : ", ").append(std::to_string(shape[i]));
  header += shape.size() == 1 ? ",), }" : "), }";
  // numpy leaves room for the first dimension to grow to 21 digits in place.
  if (!shape.empty()) header.append(21 - std::to_string(shape[0]).size(), ' ');
  const size_t prefix = kMagic.size() + 2 + sizeof(uint16_t);
  const size_t unpadded = prefix + header.size() + 1;
  header.append((kAlignment - unpadded % kAlignment) % kAlignment, ' ');
  header += '\n';

  std::string bytes(kMagic);
  bytes.append("\x01\x00", 2);
  base::append_bytes(bytes, static_cast<uint16_t>(header.size()));
  return bytes + header;
}

}  // namespace koi::checkpoint

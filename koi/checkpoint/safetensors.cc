#include "koi/checkpoint/safetensors.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <tuple>

#include "koi/base/bytes.h"

namespace koi::checkpoint {
namespace {

using Json = nlohmann::json;

constexpr size_t kMaxHeader = size_t{16} << 20;
constexpr size_t kAlignment = 64;  // of the first tensor: a cache line
constexpr int kMaxDepth = 3;       // {"name": {"shape": [
constexpr std::string_view kMetadata = "__metadata__";

Json parse_header(std::string_view text, const base::ByteReader& reader) {
  const auto limit_depth = [&](int depth, Json::parse_event_t, const Json&) {
    if (depth > kMaxDepth) reader.fail("has a header that is nested too deeply");
    return true;
  };
  try {
    Json header = Json::parse(text, limit_depth);
    if (!header.is_object()) reader.fail("has a header that is no JSON object");
    return header;
  } catch (const Json::exception&) {
    reader.fail("has a header that is no JSON", "the file is damaged; get it again");
  }
}

// A tensor and where its bytes lie among the data.
struct Placed {
  std::string name;
  TensorView tensor;
  uint64_t begin = 0, end = 0;
};

Placed place(const std::string& name, const Json& facts, const base::ByteReader& reader) {
  const std::string where = reader.where() + ": " + name;
  Placed placed{name, {}, 0, 0};
  std::string type;
  try {
    type = facts.at("dtype").get<std::string>();
    for (const Json& dimension : facts.at("shape")) {
      if (!dimension.is_number_unsigned()) reader.fail(name + " has a wrong shape");
      placed.tensor.shape.push_back(dimension.get<int64_t>());
    }
    const Json& offsets = facts.at("data_offsets");
    if (offsets.size() != 2 || !offsets.at(0).is_number_unsigned() ||
        !offsets.at(1).is_number_unsigned())
      reader.fail(name + " has wrong data_offsets");
    placed.begin = offsets.at(0).get<uint64_t>();
    placed.end = offsets.at(1).get<uint64_t>();
  } catch (const Json::exception&) {
    reader.fail(name + " lacks a proper dtype, shape or data_offsets");
  }
  const auto dtype = dtype_named(type);
  if (!dtype.has_value()) {
    throw Error(ErrorKind::unsupported, where, "has elements of the type " + type,
                "convert it to a plain type first");
  }
  placed.tensor.dtype = *dtype;
  placed.tensor.strides = row_major_strides(placed.tensor.shape);
  return placed;
}

// Gives the tensors their bytes, which must follow one another and fill `data`.
StateDict cut(std::vector<Placed> tensors, std::string_view data,
              const std::shared_ptr<const void>& owner, const base::ByteReader& reader) {
  std::sort(tensors.begin(), tensors.end(), [](const Placed& a, const Placed& b) {
    return std::tie(a.begin, a.end, a.name) < std::tie(b.begin, b.end, b.name);
  });
  StateDict state;
  uint64_t position = 0;
  for (Placed& placed : tensors) {
    if (placed.begin != position || placed.end < placed.begin || placed.end > data.size())
      reader.fail("the bytes of " + placed.name + " do not follow those of the tensor before");
    position = placed.end;
    placed.tensor.storage = data.substr(placed.begin, placed.end - placed.begin);
    placed.tensor.owner = owner;
    check_bounds(placed.tensor, reader.where() + ": " + placed.name);
    const auto size = static_cast<uint64_t>(placed.tensor.numel()) * size_of(placed.tensor.dtype);
    if (size != placed.tensor.storage.size())
      reader.fail(placed.name + " has more bytes than its shape");
    state.emplace_back(std::move(placed.name), std::move(placed.tensor));
  }
  if (position != data.size())
    reader.fail("has " + std::to_string(data.size() - position) + " bytes that are no tensor's");
  return state;
}

std::string header_bytes(const SafetensorsFile& file) {
  Json header = Json::object();
  if (!file.metadata.empty()) header[kMetadata] = file.metadata;
  uint64_t position = 0;
  for (const auto& [name, tensor] : file.tensors) {
    const uint64_t end = position + static_cast<uint64_t>(tensor.numel()) * size_of(tensor.dtype);
    header[name] = {{"dtype", name_of(tensor.dtype)},
                    {"shape", tensor.shape},
                    {"data_offsets", {position, end}}};
    position = end;
  }
  std::string text = header.dump();
  text.append((kAlignment - (sizeof(uint64_t) + text.size()) % kAlignment) % kAlignment, ' ');
  std::string bytes;
  base::append_bytes(bytes, uint64_t{text.size()});
  return bytes + text;
}

}  // namespace

bool is_safetensors(std::string_view bytes) {
  if (bytes.size() < sizeof(uint64_t) + 2) return false;
  base::ByteReader reader(bytes, {});
  const auto length = reader.read<uint64_t>();
  return length <= reader.remaining() && reader.read<char>() == '{';
}

SafetensorsFile parse_safetensors(std::string_view bytes, const std::shared_ptr<const void>& owner,
                                  const std::string& where) {
  base::ByteReader reader(bytes, where);
  if (!is_safetensors(bytes)) reader.fail("is no whole safetensors file");
  const auto length = reader.read<uint64_t>();
  if (length > kMaxHeader) {
    throw Error(ErrorKind::unsupported, where,
                "has a header of " + std::to_string(length) + " bytes, at most " +
                    std::to_string(kMaxHeader) + " are read");
  }
  const Json header = parse_header(reader.take(length), reader);
  SafetensorsFile file;
  std::vector<Placed> tensors;
  for (const auto& [name, facts] : header.items()) {
    if (name == kMetadata) {
      for (const auto& [key, value] : facts.items()) {
        if (!value.is_string()) reader.fail("has metadata that is no string under " + key);
        file.metadata[key] = value.get<std::string>();
      }
    } else {
      tensors.push_back(place(name, facts, reader));
    }
  }
  file.tensors = cut(std::move(tensors), reader.take(reader.remaining()), owner, reader);
  return file;
}

SafetensorsFile load_safetensors(const base::fs::path& path) {
  const auto file = base::MappedFile::open(path);
  return parse_safetensors(file->bytes(), file, path.string());
}

void save_safetensors(const base::fs::path& path, const SafetensorsFile& file) {
  base::AtomicFile out(path);
  out.write(header_bytes(file));
  for (const auto& [name, tensor] : file.tensors) {
    if (tensor.is_contiguous()) {
      out.write(tensor.bytes());
    } else {
      out.write(gather(tensor));
    }
  }
  out.commit();
}

}  // namespace koi::checkpoint

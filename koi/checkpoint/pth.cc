#include "koi/checkpoint/pth.h"

#include <unordered_map>

#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/checkpoint/pickle_reader.h"
#include "koi/checkpoint/pickle_writer.h"
#include "koi/checkpoint/safetensors.h"
#include "koi/checkpoint/zip_reader.h"
#include "koi/checkpoint/zip_writer.h"

namespace koi::checkpoint {
namespace {

constexpr std::string_view kZipMagic = "PK\x03\x04";
constexpr size_t kMaxPickle = size_t{64} << 20;

// What the file is where it is no zip archive.
[[noreturn]] void refuse_other(std::string_view bytes, const std::string& where) {
  // torch before 1.6 wrote a pickled magic number first, still earlier a tar archive.
  constexpr std::string_view kLegacy{"\x80\x02\x8a\x0al\xfc\x9c\x46\xf9\x20\x6a\xa8\x50\x19.", 15};
  if (bytes.substr(0, kLegacy.size()) == kLegacy ||
      (bytes.size() > 262 && bytes.substr(257, 5) == "ustar")) {
    throw Error(ErrorKind::unsupported, where, "is in the format of torch before 1.6",
                "load it and save it again with torch 1.6 or later");
  }
  throw Error(ErrorKind::corrupt, where, bytes.empty() ? "is empty" : "is no file of torch.save",
              "a .pth or .ckpt file that torch 1.6 or later saved is expected");
}

class Archive {
 public:
  Archive(std::string_view bytes, const std::string& where) : where_(where) {
    if (bytes.substr(0, kZipMagic.size()) != kZipMagic) refuse_other(bytes, where);
    for (ZipEntry& entry : read_zip(bytes, where)) {
      if (root_.empty() && entry.name.ends_with("/data.pkl"))
        root_ = entry.name.substr(0, entry.name.size() - std::string_view("data.pkl").size());
      std::string name = entry.name;
      records_.emplace(std::move(name), std::move(entry));
    }
    if (find("constants.pkl") != nullptr) {
      throw Error(ErrorKind::unsupported, where, "is a TorchScript archive",
                  "load it with torch.jit.load and save its state_dict() with torch.save");
    }
  }

  const ZipEntry* find(const std::string& name) const {
    const auto found = records_.find(root_ + name);
    return found == records_.end() ? nullptr : &found->second;
  }

  const ZipEntry& get(const std::string& name) const {
    const ZipEntry* entry = find(name);
    if (entry == nullptr) {
      throw Error(ErrorKind::corrupt, where_, "is a zip archive without the record " + name,
                  "a file of torch.save is expected");
    }
    return *entry;
  }

 private:
  const std::string& where_;
  std::string root_;
  std::unordered_map<std::string, ZipEntry> records_;
};

}  // namespace

Value parse_pth(std::string_view bytes, const std::shared_ptr<const void>& owner,
                const std::string& where) {
  const Archive archive(bytes, where);
  const ZipEntry* order = archive.find("byteorder");
  if (order != nullptr && order->bytes != "little") {
    throw Error(ErrorKind::unsupported, where,
                "holds tensors of the byte order " + std::string(order->bytes.substr(0, 20)),
                "load it and save it again on a little-endian machine");
  }
  const ZipEntry& pickle = archive.get("data.pkl");
  if (pickle.bytes.size() > kMaxPickle) {
    throw Error(ErrorKind::unsupported, where,
                "has a pickle of " + std::to_string(pickle.bytes.size()) + " bytes, at most " +
                    std::to_string(kMaxPickle) + " are read");
  }
  check_crc(pickle, where);
  const auto bytes_of = [&](const std::string& key) { return archive.get("data/" + key).bytes; };
  return read_pickle(pickle.bytes, {bytes_of, owner}, where);
}

Value load_pth(const base::fs::path& path) {
  const auto file = base::MappedFile::open(path);
  return parse_pth(file->bytes(), file, path.string());
}

void save_pth(const base::fs::path& path, const Value& root) {
  const Pickle pickle = write_pickle(root, path.string());
  const std::string stem = path.stem().string();
  const std::string folder = (base::is_valid_utf8(stem) ? stem : "archive") + "/";
  base::AtomicFile file(path);
  ZipWriter archive(file);
  archive.add(folder + "data.pkl", pickle.bytes);
  archive.add(folder + ".format_version", "1");
  archive.add(folder + ".storage_alignment", "64");
  archive.add(folder + "byteorder", "little");
  for (size_t i = 0; i < pickle.storages.size(); ++i)
    archive.add(folder + "data/" + std::to_string(i), pickle.storages[i]);
  archive.add(folder + "version", "3\n");
  archive.finish();
  file.commit();
}

StateDict load_state_dict(const base::fs::path& path) {
  const auto file = base::MappedFile::open(path);
  const std::string where = path.string();
  if (is_safetensors(file->bytes())) return parse_safetensors(file->bytes(), file, where).tensors;
  const Value root = parse_pth(file->bytes(), file, where);
  const Value* wrapped = root.find("state_dict");
  return to_state_dict(wrapped != nullptr ? *wrapped : root, where);
}

}  // namespace koi::checkpoint

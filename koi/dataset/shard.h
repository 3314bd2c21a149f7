// Shards (.protos): records one behind the other, each a 4-byte little-endian length and a protobuf
// message TextData (text_data.proto). Source: the reference's format; its records are read, its
// bytes are written.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "koi/base/files.h"

namespace koi::dataset {

// K rows of T codes each, as stored (0 .. codebook size - 1).
using CodeRows = std::vector<std::vector<uint32_t>>;

struct Sentence {
  std::vector<std::string> texts;  // the same words in one or several spellings
  CodeRows codes;
  // For each frame the character (code point) of the first text that is spoken in it, counted from
  // 1; 0: none. Empty: not known.
  std::vector<uint32_t> alignment = {};
  std::vector<CodeRows> shifted = {};  // codes of the same recording, cut into frames elsewhere
  bool operator==(const Sentence&) const = default;
};

// One record: the sentences of one speaker.
struct TextData {
  std::string source;  // "folder" or "filelist"
  std::string name;    // the speaker
  std::vector<Sentence> sentences;
  bool operator==(const TextData&) const = default;
};

// A record with its length in front. Throws Error(unsupported) where the message would pass
// protobuf's 2 GiB, Error(corrupt) where the name or a text is not UTF-8.
std::string record_bytes(const TextData& record);

// The same in parts, for records of which not all is in memory: length, head and sentences one
// behind the other are the record. Throw as record_bytes().
std::string record_head(const std::string& source, const std::string& name);
std::string sentence_bytes(const Sentence& sentence, const std::string& speaker);
std::string record_length(uint64_t message_bytes, const std::string& speaker);

// Reads a shard record by record; only one is in memory.
class ShardReader {
 public:
  // Throws as base::MappedFile::open.
  explicit ShardReader(base::fs::path path);

  // The next record; nothing at the end. Throws Error(corrupt) with the record's number and place
  // where a length passes the end of the file or the bytes are no TextData.
  // Differs: the reference accepts a last record that is cut between two fields.
  std::optional<TextData> next();

 private:
  base::fs::path path_;
  std::shared_ptr<const base::MappedFile> file_;
  size_t position_ = 0;
  size_t records_ = 0;
};

}  // namespace koi::dataset

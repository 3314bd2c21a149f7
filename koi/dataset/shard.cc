#include "koi/dataset/shard.h"

#include <google/protobuf/stubs/logging.h>

#include <limits>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/dataset/text_data.pb.h"

namespace koi::dataset {
namespace {

TextData from_message(const proto::TextData& message) {
  TextData record{message.source(), message.name(), {}};
  record.sentences.reserve(static_cast<size_t>(message.sentences_size()));
  for (const proto::Sentence& from : message.sentences()) {
    Sentence& to = record.sentences.emplace_back();
    to.texts.assign(from.texts().begin(), from.texts().end());
    to.codes.reserve(static_cast<size_t>(from.semantics_size()));
    for (const proto::Semantics& row : from.semantics()) {
      to.codes.emplace_back(row.values().begin(), row.values().end());
    }
  }
  return record;
}

void require_utf8(const std::string& text, const TextData& record) {
  if (base::is_valid_utf8(text)) return;
  throw Error(ErrorKind::corrupt, "speaker \"" + record.name + "\"",
              "the name or a text is not UTF-8", "rename the folder or convert the text");
}

proto::TextData to_message(const TextData& record) {
  require_utf8(record.name, record);
  proto::TextData message;
  message.set_source(record.source);
  message.set_name(record.name);
  for (const Sentence& from : record.sentences) {
    proto::Sentence& to = *message.add_sentences();
    for (const std::string& text : from.texts) {
      require_utf8(text, record);
      to.add_texts(text);
    }
    for (const auto& row : from.codes) {
      to.add_semantics()->mutable_values()->Add(row.begin(), row.end());
    }
  }
  return message;
}

}  // namespace

std::string record_bytes(const TextData& record) {
  const proto::TextData message = to_message(record);
  const size_t size = message.ByteSizeLong();
  if (size > static_cast<size_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(ErrorKind::unsupported, "speaker \"" + record.name + "\"",
                "has " + std::to_string(size) + " bytes of text and codes, a record holds 2 GiB",
                "spread the recordings over several folders");
  }
  std::string bytes;
  bytes.reserve(sizeof(uint32_t) + size);
  base::append_bytes(bytes, static_cast<uint32_t>(size));
  message.AppendToString(&bytes);
  return bytes;
}

ShardReader::ShardReader(base::fs::path path)
    : path_(std::move(path)), file_(base::MappedFile::open(path_)) {}

std::optional<TextData> ShardReader::next() {
  base::ByteReader reader(file_->bytes(), path_.string() + ", record " + std::to_string(records_));
  reader.seek(position_);
  if (reader.at_end()) return std::nullopt;
  const auto size = reader.read<uint32_t>();
  const std::string_view body = reader.take(size);

  const google::protobuf::LogSilencer silent;  // it would print what the exception says
  proto::TextData message;
  const bool fits = body.size() <= static_cast<size_t>(std::numeric_limits<int32_t>::max());
  if (!fits || !message.ParseFromArray(body.data(), static_cast<int>(body.size()))) {
    reader.fail("is no TextData message", "rebuild the shard with koi build-dataset");
  }
  position_ = reader.position();
  ++records_;
  return from_message(message);
}

}  // namespace koi::dataset

#include "koi/dataset/shard.h"

#include <google/protobuf/stubs/logging.h>

#include <limits>

#include "koi/base/bytes.h"
#include "koi/base/error.h"
#include "koi/base/utf8.h"
#include "koi/dataset/text_data.pb.h"

namespace koi::dataset {
namespace {

// `message` has codebook rows: a Sentence or Codes.
template <typename Message>
CodeRows rows_of(const Message& message) {
  CodeRows rows;
  rows.reserve(static_cast<size_t>(message.semantics_size()));
  for (const proto::Semantics& row : message.semantics())
    rows.emplace_back(row.values().begin(), row.values().end());
  return rows;
}

template <typename Message>
void add_rows(Message& message, const CodeRows& rows) {
  for (const auto& row : rows)
    message.add_semantics()->mutable_values()->Add(row.begin(), row.end());
}

TextData from_message(const proto::TextData& message) {
  TextData record{message.source(), message.name(), {}};
  record.sentences.reserve(static_cast<size_t>(message.sentences_size()));
  for (const proto::Sentence& from : message.sentences()) {
    Sentence& to = record.sentences.emplace_back();
    to.texts.assign(from.texts().begin(), from.texts().end());
    to.codes = rows_of(from);
    for (const proto::Codes& codes : from.shifted()) to.shifted.push_back(rows_of(codes));
    to.alignment.assign(from.alignment().begin(), from.alignment().end());
  }
  return record;
}

void require_utf8(const std::string& text, const std::string& speaker) {
  if (base::is_valid_utf8(text)) return;
  throw Error(ErrorKind::corrupt, "speaker \"" + speaker + "\"", "the name or a text is not UTF-8",
              "rename the folder or convert the text");
}

}  // namespace

std::string record_head(const std::string& source, const std::string& name) {
  require_utf8(name, name);
  proto::TextData message;
  message.set_source(source);
  message.set_name(name);
  return message.SerializeAsString();
}

std::string sentence_bytes(const Sentence& sentence, const std::string& speaker) {
  proto::TextData message;  // a part of a message is a message with that part alone
  proto::Sentence& to = *message.add_sentences();
  for (const std::string& text : sentence.texts) {
    require_utf8(text, speaker);
    to.add_texts(text);
  }
  add_rows(to, sentence.codes);
  for (const CodeRows& rows : sentence.shifted) add_rows(*to.add_shifted(), rows);
  to.mutable_alignment()->Add(sentence.alignment.begin(), sentence.alignment.end());
  record_length(message.ByteSizeLong(), speaker);  // throws where it cannot be a record's part
  return message.SerializeAsString();
}

std::string record_length(uint64_t message_bytes, const std::string& speaker) {
  if (message_bytes > static_cast<uint64_t>(std::numeric_limits<int32_t>::max())) {
    throw Error(
        ErrorKind::unsupported, "speaker \"" + speaker + "\"",
        "has " + std::to_string(message_bytes) + " bytes of text and codes, a record holds 2 GiB",
        "spread the recordings over several folders");
  }
  std::string bytes;
  base::append_bytes(bytes, static_cast<uint32_t>(message_bytes));
  return bytes;
}

std::string record_bytes(const TextData& record) {
  std::string message = record_head(record.source, record.name);
  for (const Sentence& sentence : record.sentences)
    message += sentence_bytes(sentence, record.name);
  return record_length(message.size(), record.name) + message;
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

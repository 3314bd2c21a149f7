#include "koi/dataset/held_out.h"

#include <algorithm>
#include <cmath>
#include <map>

#include "koi/base/error.h"
#include "koi/base/hash.h"
#include "koi/text/clean.h"

namespace koi::dataset {
namespace {

std::string hash_of(const Sentence& sentence) {
  return text_hash(sentence.texts.empty() ? "" : sentence.texts.front());
}

// The hashes of the texts to hold out.
std::set<std::string> choose(const std::map<std::string, int64_t>& counts, int64_t wanted) {
  std::set<std::string> chosen;
  int64_t taken = 0;
  for (const auto& [hash, count] : counts) {
    if (taken >= wanted || chosen.size() + 1 == counts.size()) break;
    chosen.insert(hash);
    taken += count;
  }
  return chosen;
}

}  // namespace

std::string text_hash(const std::string& text) { return base::sha256_hex(text::clean_text(text)); }

std::set<std::string> choose_held_out(const std::vector<TextData>& groups,
                                      const HeldOutOptions& options) {
  if (!(options.share >= 0 && options.share < 1)) {
    throw Error(ErrorKind::config, "data.held_out.share",
                "is " + std::to_string(options.share) + ", expected 0 to below 1");
  }
  if (options.share == 0) return {};
  std::map<std::string, int64_t> counts;
  int64_t total = 0;
  for (const TextData& group : groups) {
    for (const Sentence& sentence : group.sentences) ++counts[hash_of(sentence)], ++total;
  }
  const auto share = static_cast<int64_t>(std::llround(options.share * static_cast<double>(total)));
  return choose(counts,
                std::min(std::max(share, options.least), std::max(options.least, options.most)));
}

std::vector<TextData> take_out(std::vector<TextData>& groups, const std::set<std::string>& texts) {
  std::vector<TextData> taken_out, left;
  for (TextData& group : groups) {
    TextData rest{group.source, group.name, {}}, taken = rest;
    for (Sentence& sentence : group.sentences) {
      const bool out = texts.contains(hash_of(sentence));
      (out ? taken : rest).sentences.push_back(std::move(sentence));
    }
    if (!rest.sentences.empty()) left.push_back(std::move(rest));
    if (!taken.sentences.empty()) taken_out.push_back(std::move(taken));
  }
  groups = std::move(left);
  return taken_out;
}

}  // namespace koi::dataset

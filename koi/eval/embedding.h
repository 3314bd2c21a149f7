// How like two voices are, by vectors that an embedder makes of recordings.
#pragma once

#include <optional>
#include <string>
#include <vector>

namespace koi::eval {

using Embedding = std::vector<double>;  // of length 1

// The numbers of a text, brought to length 1; nothing for an empty one. Throws Error(corrupt)
// naming `where` for what is no number or not finite, and where all are 0.
std::optional<Embedding> parse_embedding(const std::string& text, const std::string& where);

// A speaker: the sum of the embeddings of what he said. All calls throw Error(corrupt) where an
// embedding has another number of values than the first one.
class Speaker {
 public:
  void add(const Embedding& embedding);

  // Its cosine with the mean; nothing where nothing was added.
  std::optional<double> likeness(const Embedding& embedding) const;
  // Of one that was added, with the mean of the others.
  std::optional<double> likeness_to_others(const Embedding& embedding) const;

 private:
  void check(const Embedding& embedding) const;

  std::vector<double> sum_;
  size_t count_ = 0;
};

}  // namespace koi::eval

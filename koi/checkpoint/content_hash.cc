#include "koi/checkpoint/content_hash.h"

#include <algorithm>

#include "koi/base/hash.h"
#include "koi/base/parallel.h"

namespace koi::checkpoint {
namespace {

std::string line_of(const std::string& name, const TensorView& tensor) {
  const std::string elements =
      tensor.is_contiguous() ? base::sha256_hex(tensor.bytes()) : base::sha256_hex(gather(tensor));
  return name + " " + std::string(name_of(tensor.dtype)) + " " + shape_text(tensor.shape) + " " +
         elements + "\n";
}

}  // namespace

std::string content_hash(const StateDict& state) {
  std::vector<std::string> lines(state.size());
  const auto make_line = [&](size_t i) { lines[i] = line_of(state[i].first, state[i].second); };
  size_t done = base::parallel_for(state.size(), base::usable_cores(), make_line);
  for (; done < state.size(); ++done) make_line(done);  // a request to stop ends parallel_for early
  std::sort(lines.begin(), lines.end());
  std::string table;
  for (const std::string& line : lines) table += line;
  return base::sha256_hex(table);
}

}  // namespace koi::checkpoint

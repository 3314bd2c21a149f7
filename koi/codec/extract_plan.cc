#include <algorithm>
#include <map>
#include <set>

#include "koi/audio/audio_file.h"
#include "koi/base/error.h"
#include "koi/base/listing.h"
#include "koi/codec/extract.h"

namespace koi::codec {
namespace {

namespace fs = base::fs;

void refuse_collisions(const std::vector<fs::path>& files) {
  std::map<fs::path, fs::path> owners;
  for (const fs::path& file : files) {
    const fs::path codes = fs::path(file).replace_extension(".npy");
    const auto [owner, is_new] = owners.emplace(codes, file);
    if (!is_new) {
      throw Error(ErrorKind::usage, file.string(),
                  "and " + owner->second.filename().string() + " would both have the codes " +
                      codes.filename().string(),
                  "rename or remove one of them");
    }
  }
}

// The path of a line; empty where it has fields, but not the four that it should have.
std::string path_of(const std::string& line) {
  const auto bars = std::count(line.begin(), line.end(), '|');
  return bars == 0 || bars >= 3 ? line.substr(0, line.find('|')) : "";
}

ExtractFailure failure(const std::string& file, const std::string& what) {
  return {file, Error(ErrorKind::not_found, file, what).what()};
}

}  // namespace

ExtractPlan plan_folder(const fs::path& folder) {
  base::Listing listing = base::list_entries(folder, audio::is_audio_path);
  ExtractPlan plan{std::move(listing.files), {}};
  for (const base::OddEntry& entry : listing.odd)
    plan.failures.push_back(failure(entry.path.string(), entry.what));
  if (plan.files.empty()) {
    throw Error(ErrorKind::not_found, folder.string(), "holds no recordings",
                "give a folder with audio files (.wav, .flac, .mp3, .ogg ...)");
  }
  refuse_collisions(plan.files);
  return plan;
}

ExtractPlan plan_filelist(const fs::path& filelist, const fs::path& folder) {
  const std::string text = base::read_file(filelist);
  ExtractPlan plan;
  std::set<fs::path> known;
  size_t number = 0;
  for (size_t begin = 0; begin < text.size();) {
    const size_t end = std::min(text.find('\n', begin), text.size());
    std::string line = text.substr(begin, end - begin);
    begin = end + 1;
    ++number;
    if (line.ends_with('\r')) line.pop_back();
    if (line.empty()) continue;
    const fs::path path = path_of(line);
    const fs::path file = base::find_file(path, {filelist.parent_path(), folder});
    if (path.empty()) {
      plan.failures.push_back(failure(filelist.string() + ", line " + std::to_string(number),
                                      "is neither a path nor path|speaker|language|text: " + line));
    } else if (file.empty()) {
      plan.failures.push_back(failure(path.string(), "no such file"));
    } else if (known.insert(file.lexically_normal()).second) {
      plan.files.push_back(file);
    }
  }
  refuse_collisions(plan.files);
  return plan;
}

ExtractPlan share_of(ExtractPlan plan, const base::Share& share) {
  plan.files = share.of(std::move(plan.files));
  if (share.rank > 0) plan.failures.clear();
  return plan;
}

}  // namespace koi::codec

#include "koi/dataset/import_corpus.h"

#include <algorithm>
#include <mutex>
#include <set>
#include <tuple>

#include "koi/base/error.h"
#include "koi/base/interrupt.h"
#include "koi/base/leftovers.h"
#include "koi/base/parallel.h"

namespace koi::dataset {
namespace {

namespace fs = base::fs;

// `name` as the name of a file or folder: no slash, nothing hidden, not empty.
std::string safe_name(std::string name) {
  std::replace(name.begin(), name.end(), '/', '_');
  std::replace_if(
      name.begin(), name.end(), [](char c) { return c >= 0 && c < ' '; }, '_');
  if (name.empty()) return "speaker";
  if (name.front() == '.') name.front() = '_';
  return name;
}

// Gives every key a name that no other key has: the wanted one, or that with -2, -3 ...
class UniqueNames {
 public:
  std::string name(const std::string& key, const std::string& wanted) {
    const auto [place, is_new] = names_.emplace(key, wanted);
    if (!is_new) return place->second;
    size_t& last = numbers_[wanted];  // where it goes on: a corpus may have one name only
    while (!taken_.insert(place->second).second)
      place->second = wanted + "-" + std::to_string(++last + 1);
    return place->second;
  }

 private:
  std::map<std::string, std::string> names_;
  std::map<std::string, size_t> numbers_;  // how many names were made of one
  std::set<std::string> taken_;
};

struct Target {
  const CorpusEntry* entry;
  fs::path recording;
  fs::path text;
};

// Targets that are made together: those of one recording that is cut, else one.
using Group = std::vector<Target>;

class Importer {
 public:
  Importer(const fs::path& output, const ImportOptions& options, const OpenRecording& open,
           const LeftOutSink& left_out, const std::function<void()>& on_entry)
      : output_(output), options_(options), open_(open), left_out_(left_out), on_entry_(on_entry) {}

  ImportReport run(const std::vector<CorpusEntry>& entries) {
    const std::vector<Group> groups = plan(entries);
    base::make_folder(output_);
    base::remove_leftovers_below(output_);
    const size_t workers = std::min(options_.num_workers, base::usable_cores());
    base::parallel_for(groups.size(), workers, [&](size_t i) { make(groups[i]); });
    report_.interrupted = base::stop_requested() && looked_at_ < entries.size();
    return std::move(report_);
  }

 private:
  std::vector<Group> plan(const std::vector<CorpusEntry>& entries) {
    UniqueNames speakers;
    std::map<std::string, UniqueNames> names;  // in the folder of a speaker
    std::map<std::tuple<std::string, fs::path, double, double>, const CorpusEntry*> known;
    std::map<fs::path, size_t> cut;  // the group of a recording that is cut
    std::vector<Group> groups;
    for (const CorpusEntry& entry : entries) {
      const std::string speaker = speakers.name(entry.speaker, safe_name(entry.speaker));
      const Part part = entry.part.value_or(Part{-1, -1});
      const auto key = std::tuple(speaker, entry.recording, part.begin_s, part.end_s);
      if (const auto [first, is_new] = known.emplace(key, &entry); !is_new) {
        refuse(entry, Error(ErrorKind::corrupt, entry.where,
                            "is the recording of " + first->second->where + " again"));
        continue;
      }
      const std::string extension = entry.part ? ".wav" : entry.recording.extension().string();
      const fs::path stem =
          output_ / speaker / names[speaker].name(entry.where, safe_name(entry.name));
      const Target target{&entry, stem.string() + extension, stem.string() + ".lab"};
      ++report_.speakers[speaker];
      if (!entry.language.empty()) ++report_.languages[entry.language];
      const auto [place, is_new] = cut.emplace(entry.recording, groups.size());
      if (entry.part && !is_new) {
        groups[place->second].push_back(target);
      } else {
        groups.push_back({target});
      }
    }
    return groups;
  }

  void make(const Group& group) {
    std::unique_lock<std::mutex> alone(cut_mutex_, std::defer_lock);
    if (group.front().entry->part) alone.lock();  // a recording of hours at a time is enough
    WritePart write_part;
    for (const Target& target : group) {
      if (base::stop_requested()) return;
      try {
        const bool there = is_there(target);
        if (!there) make(target, write_part);
        const std::lock_guard lock(report_mutex_);
        ++(there ? report_.skipped : report_.done);
        finish();
      } catch (const base::Interrupted&) {
        return;
      } catch (const Error& error) {
        const std::lock_guard lock(report_mutex_);
        refuse(*target.entry, error);
      }
    }
  }

  void make(const Target& target, WritePart& write_part) const {
    const CorpusEntry& entry = *target.entry;
    base::make_folder(target.recording.parent_path());
    if (!entry.part) {
      place(entry.recording, target.recording);
    } else {
      if (!write_part) write_part = open_(entry.recording);
      write_part(*entry.part, target.recording);
    }
    base::write_file(target.text, entry.text + "\n");
  }

  void place(const fs::path& from, const fs::path& to) const {
    std::error_code error;
    if (fs::equivalent(from, to, error)) return;
    if (!options_.copy) {
      fs::remove(to, error);
      const fs::path linked = fs::canonical(from, error);
      if (!error) fs::create_hard_link(linked, to, error);
      if (!error) return;  // else another disk, or one that knows no links, or it is gone
    }
    base::write_file(to, base::MappedFile::open(from)->bytes());
  }

  bool is_there(const Target& target) const {
    std::error_code ignored;
    return !options_.overwrite && fs::is_regular_file(target.recording, ignored) &&
           fs::is_regular_file(target.text, ignored);
  }

  void refuse(const CorpusEntry& entry, const Error& error) {
    left_out_({entry.where, error.what()});
    finish();
  }

  void finish() {
    ++looked_at_;
    on_entry_();
  }

  const fs::path& output_;
  const ImportOptions& options_;
  const OpenRecording& open_;
  const LeftOutSink& left_out_;
  const std::function<void()>& on_entry_;
  ImportReport report_;
  size_t looked_at_ = 0;
  std::mutex report_mutex_, cut_mutex_;
};

}  // namespace

ImportReport import_corpus(const std::vector<CorpusEntry>& entries, const fs::path& output,
                           const ImportOptions& options, const OpenRecording& open,
                           const LeftOutSink& left_out, const std::function<void()>& on_entry) {
  return Importer(output, options, open, left_out, on_entry).run(entries);
}

}  // namespace koi::dataset

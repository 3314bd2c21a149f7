#include "koi/check/finding.h"

#include <array>

namespace koi::check {
namespace {

constexpr bool kHarms = true, kRemark = false;
constexpr bool kUnusable = true, kUsable = false;
constexpr bool kFixable = true, kByHand = false;

constexpr std::array<KindInfo, kKinds> kInfos{{
    {"unreadable", "not readable as sound", "copy or record it again; --fix leaves it out", kHarms,
     kUnusable, kFixable},
    {"silent", "silent", "record it again or remove it", kHarms, kUnusable, kByHand},
    {"too-short", "shorter than 0.4 s", "record it again or remove it", kHarms, kUnusable, kByHand},
    {"clipped", "cut off at full scale", "record it again at a lower level, or remove it", kHarms,
     kUsable, kByHand},
    {"telephone", "telephone sound, nothing above 4.6 kHz",
     "use the recording from before it was brought to 8 kHz, or remove it", kHarms, kUsable,
     kByHand},
    {"no-transcript", "without a transcript", "write the words of x.wav into x.lab beside it",
     kHarms, kUnusable, kByHand},
    {"empty-transcript", "with an empty transcript", "write the words into it", kHarms, kUnusable,
     kByHand},
    {"unreadable-transcript", "with a transcript that is no text", "save it as UTF-8 text", kHarms,
     kUnusable, kByHand},
    {"encoding", "with a transcript in an old encoding", "--fix turns it into UTF-8", kHarms,
     kUnusable, kFixable},
    {"unknown-encoding", "with a transcript in an encoding that is not plain",
     "save it as UTF-8 text", kHarms, kUnusable, kByHand},
    {"markup", "with markup that would be learnt as words", "--fix takes it out", kHarms, kUsable,
     kFixable},
    {"odd-rate", "with words that cannot be what is said, by the rate of speech",
     "listen to it and correct the transcript", kHarms, kUsable, kByHand},
    {"contradicting-text", "the same recording with different words",
     "keep the one with the right words; --fix leaves all of them out", kHarms, kUsable, kFixable},
    {"bad-codes", "with codes that do not fit", "remove the .npy and run koi extract-vq", kHarms,
     kUsable, kByHand},
    {"shared-name", "sharing a name, and so transcript and codes", "rename one of them", kHarms,
     kUsable, kByHand},
    {"duplicate-audio", "the same recording again", "--fix leaves it out", kRemark, kUsable,
     kFixable},
    {"duplicate-text", "the same words again", "nothing needs to be done if they are few", kRemark,
     kUsable, kByHand},
    {"tags", "with <...> or {...} in the transcript, which koi leaves out",
     "--fix takes it out of the file", kRemark, kUsable, kFixable},
    {"utf16", "with a transcript that koi reads, but not every program",
     "--fix turns it into plain UTF-8", kRemark, kUsable, kFixable},
    {"dc-offset", "off the zero line", "--fix brings it back", kRemark, kUsable, kFixable},
    {"silent-ends", "with over 0.5 s of silence at an end", "--fix leaves 0.2 s", kRemark, kUsable,
     kFixable},
    {"narrow-band", "with nothing above 9 kHz",
     "use the recordings from before they were brought to 16 kHz, if there are any", kRemark,
     kUsable, kByHand},
    {"loudness-outlier", "over 10 LU louder or softer than the speaker's others",
     "koi loudness-norm evens it out (koi finetune does)", kRemark, kUsable, kByHand},
    {"too-long", "longer than 30 s", "koi slice cuts it, the transcript has to be cut by hand",
     kRemark, kUsable, kByHand},
    {"other-script", "in another script than the speaker's other transcripts",
     "see whether the transcript belongs to the recording", kRemark, kUsable, kByHand},
    {"no-codes", "without codes, where others have some", "koi extract-vq makes them", kRemark,
     kUsable, kByHand},
    {"orphan-transcript", "transcripts without a recording",
     "see whether the recording was lost or renamed", kRemark, kUsable, kByHand},
    {"odd-entry", "that are no files", "remove them, or put files in their place", kRemark, kUsable,
     kByHand},
}};

}  // namespace

const KindInfo& info_of(Kind kind) { return kInfos[static_cast<size_t>(kind)]; }

}  // namespace koi::check

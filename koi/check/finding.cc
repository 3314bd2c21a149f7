#include "koi/check/finding.h"

#include <array>

namespace koi::check {
namespace {

constexpr bool kHarms = true, kRemark = false;
constexpr bool kUnusable = true, kUsable = false;
constexpr Mending kByHand = Mending::by_hand, kMended = Mending::mended,
                  kLeftOut = Mending::left_out;

constexpr std::array<KindInfo, kKinds> kInfos{{
    {"unreadable", "not readable as sound", "소리로 읽을 수 없음",
     "copy or record it again; --fix leaves it out", kHarms, kUnusable, kLeftOut},
    {"silent", "silent", "무음", "record it again or remove it", kHarms, kUnusable, kByHand},
    {"too-short", "shorter than 0.4 s", "0.4초보다 짧음", "record it again or remove it", kHarms,
     kUnusable, kByHand},
    {"clipped", "cut off at full scale", "최대값에서 잘림",
     "record it again at a lower level, or remove it", kHarms, kUsable, kByHand},
    {"telephone", "telephone sound, nothing above 4.6 kHz", "4.6 kHz 위가 없는 전화 음질",
     "use the recording from before it was brought to 8 kHz, or remove it", kHarms, kUsable,
     kByHand},
    {"no-transcript", "without a transcript", "대본이 없음",
     "write the words of x.wav into x.lab beside it", kHarms, kUnusable, kByHand},
    {"empty-transcript", "with an empty transcript", "대본이 비어 있음", "write the words into it",
     kHarms, kUnusable, kByHand},
    {"unreadable-transcript", "with a transcript that is no text", "대본이 글이 아님",
     "save it as UTF-8 text", kHarms, kUnusable, kByHand},
    {"encoding", "with a transcript in an old encoding", "대본이 옛 인코딩",
     "--fix turns it into UTF-8", kHarms, kUnusable, kMended},
    {"unknown-encoding", "with a transcript in an encoding that is not plain",
     "대본의 인코딩이 분명하지 않음", "save it as UTF-8 text", kHarms, kUnusable, kByHand},
    {"markup", "with markup that would be learnt as words", "말로 학습될 표시가 있음",
     "--fix takes it out", kHarms, kUsable, kMended},
    {"odd-rate", "with words that cannot be what is said, by the rate of speech",
     "말의 빠르기로 보아 대본이 맞지 않음", "listen to it and correct the transcript", kHarms,
     kUsable, kByHand},
    {"contradicting-text", "the same recording with different words", "같은 녹음에 다른 말",
     "keep the one with the right words; --fix leaves all of them out", kHarms, kUsable, kLeftOut},
    {"bad-codes", "with codes that do not fit", "코드가 맞지 않음",
     "remove the .npy and run koi extract-vq", kHarms, kUsable, kByHand},
    {"shared-name", "sharing a name, and so transcript and codes",
     "이름이 같아 대본과 코드를 나눠 씀", "rename one of them", kHarms, kUsable, kByHand},
    {"duplicate-audio", "the same recording again", "같은 녹음이 또 있음", "--fix leaves it out",
     kRemark, kUsable, kLeftOut},
    {"duplicate-text", "the same words again", "같은 말이 또 있음",
     "nothing needs to be done if they are few", kRemark, kUsable, kByHand},
    {"tags", "with <...> or {...} in the transcript, which koi leaves out",
     "koi가 빼는 <...>나 {...}가 대본에 있음", "--fix takes it out of the file", kRemark, kUsable,
     kMended},
    {"utf16", "with a transcript that koi reads, but not every program",
     "koi는 읽지만 모든 프로그램이 읽지는 못하는 대본", "--fix turns it into plain UTF-8", kRemark,
     kUsable, kMended},
    {"dc-offset", "off the zero line", "영점에서 벗어남", "--fix brings it back", kRemark, kUsable,
     kMended},
    {"silent-ends", "with over 0.5 s of silence at an end", "한쪽 끝에 0.5초가 넘는 무음",
     "--fix leaves 0.2 s", kRemark, kUsable, kMended},
    {"narrow-band", "with nothing above 9 kHz", "9 kHz 위가 없음",
     "use the recordings from before they were brought to 16 kHz, if there are any", kRemark,
     kUsable, kByHand},
    {"loudness-outlier", "over 10 LU louder or softer than the speaker's others",
     "화자의 다른 녹음과 10 LU 넘게 다름", "koi loudness-norm evens it out (koi finetune does)",
     kRemark, kUsable, kByHand},
    {"too-long", "longer than 30 s", "30초보다 긺",
     "koi slice cuts it, the transcript has to be cut by hand", kRemark, kUsable, kByHand},
    {"other-script", "in another script than the speaker's other transcripts",
     "화자의 다른 대본과 문자가 다름", "see whether the transcript belongs to the recording",
     kRemark, kUsable, kByHand},
    {"no-codes", "without codes, where others have some", "다른 녹음과 달리 코드가 없음",
     "koi extract-vq makes them", kRemark, kUsable, kByHand},
    {"orphan-transcript", "transcripts without a recording", "녹음이 없는 대본",
     "see whether the recording was lost or renamed", kRemark, kUsable, kByHand},
    {"odd-entry", "that are no files", "파일이 아님", "remove them, or put files in their place",
     kRemark, kUsable, kByHand},
}};

}  // namespace

const KindInfo& info_of(Kind kind) { return kInfos[static_cast<size_t>(kind)]; }

}  // namespace koi::check

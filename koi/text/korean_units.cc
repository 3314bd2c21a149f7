#include "koi/text/korean_units.h"

#include <algorithm>
#include <array>

#include "koi/text/korean_number.h"
#include "koi/text/number_scan.h"

namespace koi::text {
namespace {

constexpr size_t kSyllable = 3;  // bytes of a Hangul syllable

constexpr std::array kCounters = std::to_array<std::string_view>(
    {"개",   "명",   "살",   "시간", "시",     "마리",   "번째", "번",   "장",   "권",
     "대",   "잔",   "병",   "사람", "달",     "가지",   "그루", "송이", "켤레", "벌",
     "채",   "척",   "자루", "곳",   "군데",   "쌍",     "줄",   "통",   "판",   "편",
     "모금", "방울", "걸음", "배",   "차례",   "그릇",   "접시", "상자", "봉지", "조각",
     "컵",   "다발", "묶음", "칸",   "갑",     "필",     "끼",   "바퀴", "마디", "팀",
     "건",   "곡",   "표",   "알",   "포기",   "박스",   "가닥", "토막", "꼬치", "뭉치",
     "돈",   "냥",   "되",   "섬",   "무더기", "숟가락", "스푼"});

// Syllables with which a particle or suffix begins that may stand right behind a counter.
constexpr std::string_view kFollowers =
    "은는이가을를의에도와과로으만씩정째부까랑나밖뿐쯤여짜당들마입였인동전후넘미안중남보처하라면치분"
    "어반요야다고든서값경간께꼴끼내네니때된배예죠한";

constexpr std::array kUnits = std::to_array<Unit>({
    {"%p", "퍼센트포인트"},
    {"%", "퍼센트"},
    {"％", "퍼센트"},
    {"℃", "도", "섭씨 "},
    {"°C", "도", "섭씨 "},
    {"℉", "도", "화씨 "},
    {"°F", "도", "화씨 "},
    {"°", "도"},
    {"km/h", "킬로미터", "시속 "},
    {"m/s", "미터", "초속 "},
    {"km²", "제곱킬로미터"},
    {"㎢", "제곱킬로미터"},
    {"m²", "제곱미터"},
    {"㎡", "제곱미터"},
    {"m³", "세제곱미터"},
    {"㎥", "세제곱미터"},
    {"km", "킬로미터"},
    {"㎞", "킬로미터"},
    {"m", "미터"},
    {"cm", "센티미터"},
    {"㎝", "센티미터"},
    {"mm", "밀리미터"},
    {"㎜", "밀리미터"},
    {"kg", "킬로그램"},
    {"㎏", "킬로그램"},
    {"g", "그램"},
    {"mg", "밀리그램"},
    {"㎎", "밀리그램"},
    {"t", "톤"},
    {"L", "리터"},
    {"l", "리터"},
    {"ℓ", "리터"},
    {"mL", "밀리리터"},
    {"ml", "밀리리터"},
    {"㎖", "밀리리터"},
    {"ha", "헥타르"},
    {"cal", "칼로리"},
    {"kcal", "킬로칼로리"},
    {"Hz", "헤르츠"},
    {"kHz", "킬로헤르츠"},
    {"MHz", "메가헤르츠"},
    {"GHz", "기가헤르츠"},
    {"KB", "킬로바이트"},
    {"MB", "메가바이트"},
    {"GB", "기가바이트"},
    {"TB", "테라바이트"},
    {"W", "와트"},
    {"kW", "킬로와트"},
    {"kWh", "킬로와트시"},
    {"V", "볼트"},
    {"dB", "데시벨"},
});

constexpr std::array kCurrencies = std::to_array<Currency>({{"₩", "원"},
                                                            {"￦", "원"},
                                                            {"$", "달러", "센트"},
                                                            {"€", "유로", "센트"},
                                                            {"£", "파운드", "펜스"},
                                                            {"¥", "엔"},
                                                            {"￥", "엔"}});

// Nothing, a sign, another script, or a particle.
bool ends_word(std::string_view text, size_t at) {
  return !hangul_at(text, at) ||
         kFollowers.find(text.substr(at, kSyllable)) != std::string_view::npos;
}

// What stands behind a counter, after a space or none, and makes the number before it a name or a
// score: 3번 출구, 4대 보험, 3 대 2.
bool names_number(std::string_view text, size_t at, std::string_view counter) {
  struct Named {
    std::string_view counter, noun;
  };
  constexpr std::array kNamed = std::to_array<Named>(
      {{"번", "출구"},   {"번", "문제"},   {"번", "버스"}, {"번", "국도"}, {"번", "후보"},
       {"번", "타자"},   {"번", "게이트"}, {"번", "창구"}, {"번", "선수"}, {"번", "트랙"},
       {"대", "보험"},   {"대", "강국"},   {"대", "그룹"}, {"대", "기업"}, {"대", "도시"},
       {"대", "종교"},   {"대", "명절"},   {"대", "요소"}, {"대", "원칙"}, {"대", "의무"},
       {"대", "대통령"}, {"대", "총리"},   {"대", "국회"}, {"대", "왕"}});
  if (char_at(text, at) == ' ') ++at;
  if (counter == "대" && is_digit(char_at(text, at))) return true;
  return std::any_of(kNamed.begin(), kNamed.end(), [&](const Named& named) {
    return named.counter == counter && starts_at(text, at, named.noun);
  });
}

}  // namespace

bool hangul_at(std::string_view text, size_t at) {
  if (at + kSyllable > text.size()) return false;
  const std::string_view syllable = text.substr(at, kSyllable);
  return syllable >= "가" && syllable <= "힣";
}

std::optional<Counter> find_counter(std::string_view text, size_t at) {
  if (char_at(text, at) == ' ') ++at;
  std::string_view longest;
  for (const std::string_view word : kCounters)
    if (word.size() > longest.size() && starts_at(text, at, word)) longest = word;
  const size_t end = at + longest.size();
  if (longest.empty() || !ends_word(text, end)) return {};
  if (names_number(text, end, longest)) return {};
  return Counter{longest, end};
}

std::optional<std::string> read_before_counter(std::string_view digits, std::string_view counter) {
  const int value = small_value(digits);
  if (value == 0) return {};
  if (counter == "시" && value > 12) return {};
  if (counter == "대" && value >= 10 && value < 100 && value % 10 == 0) return {};
  if (counter == "번째" && value == 1) return "첫";
  // 표준어 규정 제17항.
  const bool old_measure = counter == "냥" || counter == "되" || counter == "섬";
  if (value == 3 && (old_measure || counter == "돈")) return old_measure ? "석" : "서";
  if (value == 4 && (old_measure || counter == "돈")) return old_measure ? "넉" : "너";
  return korean_native(digits);
}

std::optional<Found<Unit>> find_unit(std::string_view text, size_t at) {
  return find_symbol(text, char_at(text, at) == ' ' ? at + 1 : at, kUnits);
}

std::optional<Found<Currency>> find_currency(std::string_view text, size_t at) {
  const auto found = find_symbol(text, at, kCurrencies);
  return found && is_digit(char_at(text, found->end)) ? found : std::nullopt;
}

}  // namespace koi::text

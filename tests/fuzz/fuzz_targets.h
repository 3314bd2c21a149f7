// Every parser of checkpoint, and the reading of numbers, as a function of bytes. A target returns
// for any input: what a parser refuses with koi::Error is refused rightly, anything else (a crash,
// another exception) is a fault. A libFuzzer program is LLVMFuzzerTestOneInput with a call of one
// of them.
#pragma once

#include <functional>
#include <map>
#include <string>
#include <string_view>

namespace koi::fuzz {

void read_pth(std::string_view bytes);
void read_pickle(std::string_view bytes);  // with one storage "0" of 16 bytes
void read_npy(std::string_view bytes);
void read_safetensors(std::string_view bytes);
void read_numbers(std::string_view bytes);  // in every language

// By the name of their folder in the corpus.
const std::map<std::string, std::function<void(std::string_view)>>& targets();

}  // namespace koi::fuzz

// Reads pickles of protocols 2 to 5 into plain values. A pickle is a program; this is the machine
// that runs it, and it knows no instruction and no name that would do anything but make data.
#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <string_view>

#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

// Where a pickle's tensors come from: the bytes of the storage under `key`.
struct StorageSource {
  std::function<std::string_view(const std::string& key)> bytes_of;
  std::shared_ptr<const void> owner;  // keeps the bytes
};

// Throws Error(corrupt) naming `where` for a damaged pickle, Error(unsupported) naming the class or
// function for everything that is not in the list of pickle_globals.h, and Error(unsupported) for
// pickles that unfold beyond all measure: deeper than 200 levels, circles, more than 256 MiB of
// values, more than 10 million values when shared parts are counted wherever they occur.
Value read_pickle(std::string_view bytes, const StorageSource& storages, const std::string& where);

}  // namespace koi::checkpoint

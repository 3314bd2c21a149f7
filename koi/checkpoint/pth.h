// The files of torch.save (.pth, .ckpt): a zip of stored records, one of them a pickle. Layout:
// docs/file_formats.md. Nothing in a file is ever executed: a pickle that names a class or function
// that is not plain data is refused by that name. Source: the format as torch 2.15 writes it;
// torch.load(weights_only=True) is the measure of what is data.
#pragma once

#include "koi/base/files.h"
#include "koi/checkpoint/value.h"

namespace koi::checkpoint {

// Maps the file; tensors point into the map. Throws Error(not_found, io), Error(corrupt) with the
// place, Error(unsupported) for the legacy format (before torch 1.6), for TorchScript archives and
// for refused names.
Value load_pth(const base::fs::path& path);

// The same from bytes, which `owner` keeps.
Value parse_pth(std::string_view bytes, const std::shared_ptr<const void>& owner,
                const std::string& where);

// Writes what torch.load(weights_only=True) reads, atomically. Storages shared between tensors are
// written once. Records begin on 64-byte boundaries. The archive's root folder is the file's stem,
// as torch's.
void save_pth(const base::fs::path& path, const Value& root);

// The model's tensors of a checkpoint, whatever its wrapping: a plain state dict, {"state_dict":
// …}. Throws Error(corrupt).
StateDict load_state_dict(const base::fs::path& path);  // .pth/.ckpt by content, .safetensors too

}  // namespace koi::checkpoint

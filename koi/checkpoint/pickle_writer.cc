#include "koi/checkpoint/pickle_writer.h"

#include <algorithm>
#include <bit>
#include <limits>
#include <map>
#include <tuple>
#include <unordered_map>

#include "koi/base/bytes.h"
#include "koi/base/utf8.h"
#include "koi/checkpoint/pickle_format.h"
#include "koi/checkpoint/pickle_globals.h"
#include "koi/checkpoint/value_limits.h"

namespace koi::checkpoint {
namespace {

constexpr size_t kBatch = 1000;  // items an instruction, as CPython

const Global kOrderedDict{"collections", "OrderedDict"};

class PickleWriter {
 public:
  Pickle write(const Value& root) {
    emit(Op::proto);
    number(uint8_t{2});
    save(root);
    emit(Op::stop);
    return std::move(pickle_);
  }

 private:
  void save(const Value& value) {
    const void* container = identity(value);
    if (const auto known = containers_.find(container); known != containers_.end()) {
      get(known->second);
      return;
    }
    std::visit([this](const auto& held) { save_kind(held); }, value.data);
    // A container is remembered when it is complete: check_value has found no circles.
    if (container != nullptr && !is_empty_tuple(value)) containers_.emplace(container, last_put_);
  }

  static bool is_empty_tuple(const Value& value) {
    const Tuple* tuple = value.as_tuple();
    return tuple != nullptr && tuple->items.empty();
  }

  void save_kind(None) { emit(Op::none); }
  void save_kind(bool flag) { emit(flag ? Op::newtrue : Op::newfalse); }

  void save_kind(int64_t value) {
    if (value >= 0 && value <= std::numeric_limits<uint8_t>::max()) {
      emit(Op::binint1);
      number(static_cast<uint8_t>(value));
    } else if (value >= 0 && value <= std::numeric_limits<uint16_t>::max()) {
      emit(Op::binint2);
      number(static_cast<uint16_t>(value));
    } else if (value == static_cast<int32_t>(value)) {
      emit(Op::binint);
      number(static_cast<int32_t>(value));
    } else {
      save_long(value);
    }
  }

  // As few bytes of two's complement as hold the number.
  void save_long(int64_t value) {
    uint8_t size = 8;
    while (size > 1 && (value << (8 * (9 - size))) >> (8 * (9 - size)) == value) --size;
    emit(Op::long1);
    number(size);
    for (int i = 0; i < size; ++i) number(static_cast<uint8_t>(value >> (8 * i)));
  }

  void save_kind(double value) {
    emit(Op::binfloat);
    number(__builtin_bswap64(std::bit_cast<uint64_t>(value)));
  }

  // Equal strings are written once.
  void save_kind(const std::string& text) {
    const auto [known, fresh] = strings_.try_emplace(text, next_put_);
    if (!fresh) {
      get(known->second);
      return;
    }
    emit(Op::binunicode);
    number(static_cast<uint32_t>(text.size()));
    pickle_.bytes += text;
    put();
  }

  // Protocol 2 knows no bytes: a string of the code points 0 to 255, and how to encode it.
  void save_kind(const Bytes& bytes) {
    std::string text;
    for (const char byte : bytes.bytes) base::append_utf8(text, static_cast<uint8_t>(byte));
    save_kind(Global{"_codecs", "encode"});
    save_kind(text);
    save_kind(std::string("latin1"));
    close_tuple(2);
    reduce();
  }

  void save_kind(const Global& global) {
    const auto [known, fresh] = globals_.try_emplace({global.module, global.name}, next_put_);
    if (!fresh) {
      get(known->second);
      return;
    }
    emit(Op::global);
    pickle_.bytes.append(global.module).append("\n").append(global.name).append("\n");
    put();
  }

  void save_kind(const std::shared_ptr<List>& list) {
    emit(Op::empty_list);
    const uint32_t own = put();
    append_items(list->items);
    last_put_ = own;
  }

  void save_kind(const std::shared_ptr<Tuple>& tuple) {
    if (tuple->items.size() > 3) emit(Op::mark);
    for (const Value& item : tuple->items) save(item);
    close_tuple(tuple->items.size());
  }

  void save_kind(const std::shared_ptr<Set>& set) {
    save_kind(Global{"__builtin__", "set"});
    emit(Op::empty_list);
    put();
    append_items(set->items);
    close_tuple(1);
    reduce();
  }

  void save_kind(const std::shared_ptr<Dict>& dict) {
    uint32_t own = 0;
    if (dict->ordered) {
      own = save_empty_ordered_dict();
    } else {
      emit(Op::empty_dict);
      own = put();
    }
    set_items(dict->items);
    if (dict->attributes != nullptr) {
      save(dict->attributes);
      emit(Op::build);
    }
    last_put_ = own;
  }

  void save_kind(const std::shared_ptr<Object>& object) {
    save_kind(object->type);
    save(object->arguments);
    const uint32_t own = reduce();
    if (!object->state.is_none()) {
      save(object->state);
      emit(Op::build);
    }
    last_put_ = own;
  }

  // rebuild(storage, offset, size, stride, requires_grad, hooks[, dtype])
  void save_kind(const TensorView& tensor) {
    const bool typed = storage_name(tensor.dtype).has_value();
    save_kind(Global{"torch._utils", typed ? "_rebuild_tensor_v2" : "_rebuild_tensor_v3"});
    emit(Op::mark);
    save_storage(tensor);
    save_kind(tensor.storage_offset);
    save_integers(tensor.shape);
    save_integers(tensor.strides);
    save_kind(false);
    save_empty_ordered_dict();
    if (!typed) save_kind(Global{"torch", torch_dtype_name(tensor.dtype)});
    emit(Op::tuple);
    put();
    reduce();
  }

  // ("storage", class, key, location, number of elements)
  void save_storage(const TensorView& tensor) {
    const auto name = storage_name(tensor.dtype);
    const size_t element = name.has_value() ? size_of(tensor.dtype) : 1;
    emit(Op::mark);
    save_kind(std::string("storage"));
    save_kind(name.has_value() ? Global{"torch", *name}
                               : Global{"torch.storage", "UntypedStorage"});
    save_kind(std::to_string(storage_key(tensor)));
    save_kind(std::string("cpu"));
    save_kind(static_cast<int64_t>(tensor.storage.size() / element));
    emit(Op::tuple);
    put();
    emit(Op::binpersid);
  }

  size_t storage_key(const TensorView& tensor) {
    const auto add = [&] {
      pickle_.storages.push_back(tensor.storage);
      return pickle_.storages.size() - 1;
    };
    if (tensor.storage.empty()) return add();
    const std::tuple place(tensor.storage.data(), tensor.storage.size(), tensor.dtype);
    const auto known = storages_.find(place);
    return known != storages_.end() ? known->second : storages_.emplace(place, add()).first->second;
  }

  uint32_t save_empty_ordered_dict() {
    save_kind(kOrderedDict);
    emit(Op::empty_tuple);
    return reduce();
  }

  void save_integers(const std::vector<int64_t>& numbers) {
    if (numbers.size() > 3) emit(Op::mark);
    for (const int64_t value : numbers) save_kind(value);
    close_tuple(numbers.size());
  }

  // The last `count` values (those behind the mark, where there are more than 3) become a tuple.
  void close_tuple(size_t count) {
    constexpr Op kOps[] = {Op::empty_tuple, Op::tuple1, Op::tuple2, Op::tuple3};
    emit(count <= 3 ? kOps[count] : Op::tuple);
    if (count > 0) put();
  }

  void append_items(const std::vector<Value>& items) {
    in_batches(items, Op::append, Op::appends, [this](const Value& item) { save(item); });
  }

  void set_items(const std::vector<std::pair<Value, Value>>& items) {
    in_batches(items, Op::setitem, Op::setitems, [this](const auto& item) {
      save(item.first);
      save(item.second);
    });
  }

  template <typename Items, typename Save>
  void in_batches(const Items& items, Op single, Op several, const Save& save_item) {
    for (size_t begin = 0; begin < items.size(); begin += kBatch) {
      const size_t end = std::min(items.size(), begin + kBatch);
      const bool one = end - begin == 1;
      if (!one) emit(Op::mark);
      for (size_t i = begin; i < end; ++i) save_item(items[i]);
      emit(one ? single : several);
    }
  }

  uint32_t reduce() {
    emit(Op::reduce);
    return put();
  }

  void emit(Op op) { pickle_.bytes += static_cast<char>(op); }

  template <typename T>
  void number(T value) {
    base::append_bytes(pickle_.bytes, value);
  }

  // Keeps the value on top for later; gives the place.
  uint32_t put() { return with_index(Op::binput, Op::long_binput, last_put_ = next_put_++); }
  void get(uint32_t index) { with_index(Op::binget, Op::long_binget, index); }

  uint32_t with_index(Op short_op, Op long_op, uint32_t index) {
    if (index <= std::numeric_limits<uint8_t>::max()) {
      emit(short_op);
      number(static_cast<uint8_t>(index));
    } else {
      emit(long_op);
      number(index);
    }
    return index;
  }

  Pickle pickle_;
  uint32_t next_put_ = 0;
  uint32_t last_put_ = 0;  // where the value that was completed last is kept
  std::unordered_map<const void*, uint32_t> containers_;
  std::unordered_map<std::string, uint32_t> strings_;
  std::map<std::pair<std::string, std::string>, uint32_t> globals_;
  std::map<std::tuple<const char*, size_t, DType>, size_t> storages_;
};

}  // namespace

Pickle write_pickle(const Value& root, const std::string& where) {
  check_value(root, where);
  return PickleWriter().write(root);
}

}  // namespace koi::checkpoint

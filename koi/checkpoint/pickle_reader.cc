#include "koi/checkpoint/pickle_reader.h"

#include <bit>

#include "koi/base/bytes.h"
#include "koi/base/utf8.h"
#include "koi/checkpoint/pickle_format.h"
#include "koi/checkpoint/pickle_globals.h"
#include "koi/checkpoint/pickle_store.h"
#include "koi/checkpoint/value_limits.h"

namespace koi::checkpoint {
namespace {

constexpr int kLastProtocol = 5;

class PickleMachine {
 public:
  PickleMachine(std::string_view bytes, const StorageSource& storages, const std::string& where)
      : reader_(bytes, where), storages_(storages), where_(where), store_(where) {}

  Value run() {
    for (;;) {
      const auto code = reader_.read<uint8_t>();
      const auto op = static_cast<Op>(code);
      if (op == Op::stop) break;
      if (!number(op) && !text(op) && !make_container(op) && !fill_container(op) && !stack(op) &&
          !call(op))
        refuse_code(code);
    }
    Value root = store_.pop();
    store_.keep(check_value(root, where_));
    return root;
  }

 private:
  bool number(Op op) {
    switch (op) {
      case Op::none:
        store_.push(None{});
        return true;
      case Op::newtrue:
        store_.push(true);
        return true;
      case Op::newfalse:
        store_.push(false);
        return true;
      case Op::binint:
        store_.push(int64_t{reader_.read<int32_t>()});
        return true;
      case Op::binint1:
        store_.push(int64_t{reader_.read<uint8_t>()});
        return true;
      case Op::binint2:
        store_.push(int64_t{reader_.read<uint16_t>()});
        return true;
      case Op::long1:
        store_.push(long_integer(reader_.read<uint8_t>()));
        return true;
      case Op::long4:
        store_.push(long_integer(reader_.read<uint32_t>()));
        return true;
      case Op::binfloat:  // the one big-endian number
        store_.push(std::bit_cast<double>(__builtin_bswap64(reader_.read<uint64_t>())));
        return true;
      default:
        return false;
    }
  }

  bool text(Op op) {
    switch (op) {
      case Op::short_binunicode:
      case Op::short_binstring:
        store_.push(utf8(reader_.read<uint8_t>()));
        return true;
      case Op::binunicode:
      case Op::binstring:
        store_.push(utf8(reader_.read<uint32_t>()));
        return true;
      case Op::binunicode8:
        store_.push(utf8(reader_.read<uint64_t>()));
        return true;
      case Op::short_binbytes:
        store_.push(binary(reader_.read<uint8_t>()));
        return true;
      case Op::binbytes:
        store_.push(binary(reader_.read<uint32_t>()));
        return true;
      case Op::binbytes8:
      case Op::bytearray8:
        store_.push(binary(reader_.read<uint64_t>()));
        return true;
      default:
        return false;
    }
  }

  bool make_container(Op op) {
    switch (op) {
      case Op::empty_list:
        made(Value::list());
        return true;
      case Op::empty_dict:
        made(Value::dict());
        return true;
      case Op::empty_set:
        made(std::make_shared<Set>());
        return true;
      case Op::empty_tuple:
        made(Value::tuple());
        return true;
      case Op::tuple1:
        made(store_.pop_tuple(1));
        return true;
      case Op::tuple2:
        made(store_.pop_tuple(2));
        return true;
      case Op::tuple3:
        made(store_.pop_tuple(3));
        return true;
      case Op::tuple:
        made(Value::tuple(store_.pop_to_mark()));
        return true;
      case Op::list:
        made(Value::list(store_.pop_to_mark()));
        return true;
      case Op::frozenset:
        made(std::make_shared<Set>(Set{store_.pop_to_mark()}));
        return true;
      case Op::dict:
        made(Value::dict(store_.pop_pairs_to_mark()));
        return true;
      default:
        return false;
    }
  }

  bool fill_container(Op op) {
    switch (op) {
      case Op::append: {
        Value item = store_.pop();
        top<List>().items.push_back(std::move(item));
        return true;
      }
      case Op::appends:
        append(store_.pop_to_mark(), &PickleMachine::top<List>);
        return true;
      case Op::additems:
        append(store_.pop_to_mark(), &PickleMachine::top<Set>);
        return true;
      case Op::setitem: {
        Value value = store_.pop();
        Value key = store_.pop();
        top<Dict>().items.emplace_back(std::move(key), std::move(value));
        return true;
      }
      case Op::setitems:
        for (auto& item : store_.pop_pairs_to_mark()) top<Dict>().items.push_back(std::move(item));
        return true;
      default:
        return false;
    }
  }

  bool stack(Op op) {
    switch (op) {
      case Op::proto:
        if (reader_.read<uint8_t>() > kLastProtocol) store_.fail("is of an unknown protocol");
        return true;
      case Op::frame:
        reader_.skip(sizeof(uint64_t));
        return true;
      case Op::mark:
        store_.push_mark();
        return true;
      case Op::pop:
        store_.pop();
        return true;
      case Op::pop_mark:
        store_.pop_to_mark();
        return true;
      case Op::dup:
        store_.push(store_.top());
        return true;
      case Op::binput:
        store_.memoize(reader_.read<uint8_t>());
        return true;
      case Op::long_binput:
        store_.memoize(reader_.read<uint32_t>());
        return true;
      case Op::memoize:
        store_.memoize_next();
        return true;
      case Op::binget:
        store_.recall(reader_.read<uint8_t>());
        return true;
      case Op::long_binget:
        store_.recall(reader_.read<uint32_t>());
        return true;
      default:
        return false;
    }
  }

  bool call(Op op) {
    switch (op) {
      case Op::global:
      case Op::inst: {
        std::string module(reader_.take_until('\n'));
        push_global({std::move(module), std::string(reader_.take_until('\n'))});
        if (op == Op::inst) store_.fail("makes an object in the way of protocol 0");
        return true;
      }
      case Op::stack_global: {
        const std::string name = take<std::string>();
        push_global({take<std::string>(), name});
        return true;
      }
      case Op::binpersid:
        store_.push(storage(store_.pop()));
        return true;
      case Op::reduce:
      case Op::newobj: {
        const Value arguments = store_.pop();
        if (arguments.as_tuple() == nullptr) store_.fail("calls with no tuple of arguments");
        made(call_global(take<Global>(), arguments, where_));
        return true;
      }
      case Op::build:
        build(store_.pop());
        return true;
      default:
        return false;
    }
  }

  // A value of the kind T off the stack.
  template <typename T>
  T take() {
    Value value = store_.pop();
    T* held = std::get_if<T>(&value.data);
    if (held == nullptr) store_.fail("has a value of the wrong kind");
    return std::move(*held);
  }

  template <typename T>
  T& top() {
    const auto* held = store_.top().get<std::shared_ptr<T>>();
    if (held == nullptr) store_.fail("fills a container of the wrong kind");
    return **held;
  }

  template <typename T>
  void append(std::vector<Value> items, T& (PickleMachine::*container)()) {
    for (Value& item : items) (this->*container)().items.push_back(std::move(item));
  }

  void made(Value value) {
    store_.adopt(value);
    store_.push(std::move(value));
  }

  void push_global(Global global) {
    check_global(global, where_);
    store_.push(std::move(global));
  }

  // Two's complement, little-endian, of as many bytes as the number needs.
  int64_t long_integer(uint32_t size) {
    const std::string_view bytes = reader_.take(size);
    if (size > sizeof(int64_t)) store_.fail("holds a whole number of more than 64 bits");
    uint64_t value = 0;
    for (size_t i = 0; i < size; ++i) value |= uint64_t{static_cast<uint8_t>(bytes[i])} << (8 * i);
    if (size == 0) return 0;
    const unsigned unused = 64 - 8 * size;
    return static_cast<int64_t>(value << unused) >> unused;
  }

  std::string utf8(uint64_t size) {
    const std::string_view bytes = reader_.take(size);
    if (!base::is_valid_utf8(bytes)) store_.fail("holds a string that is no UTF-8");
    return std::string(bytes);
  }

  Bytes binary(uint64_t size) { return {std::string(reader_.take(size))}; }

  // ("storage", class, key, location, number of elements) as the whole storage. Where it lay when
  // it was saved (a GPU, say) does not matter.
  Value storage(const Value& id) {
    const Tuple* parts = id.as_tuple();
    if (parts == nullptr || parts->items.size() != 5) store_.fail("names a storage wrongly");
    const auto* kind = parts->items[0].get<std::string>();
    const auto* type = parts->items[1].get<Global>();
    const auto* key = parts->items[2].get<std::string>();
    const auto* numel = parts->items[4].get<int64_t>();
    if (kind == nullptr || *kind != "storage" || type == nullptr || key == nullptr ||
        numel == nullptr)
      store_.fail("names a storage wrongly");
    const auto dtype = storage_dtype(*type);
    if (!dtype.has_value()) store_.fail("has a storage of the type " + type->name);
    const std::string_view bytes = storages_.bytes_of(*key);
    const size_t held = bytes.size() / size_of(*dtype);
    if (bytes.size() % size_of(*dtype) != 0 || *numel < 0 || static_cast<size_t>(*numel) != held) {
      store_.fail("claims " + std::to_string(*numel) + " elements in the storage " + *key + " of " +
                  std::to_string(bytes.size()) + " bytes");
    }
    return contiguous_view(*dtype, {*numel}, bytes, storages_.owner);
  }

  // Sets the state of the object on top.
  void build(Value state) {
    const Value& object = store_.top();
    if (const auto* dict = object.get<std::shared_ptr<Dict>>()) {
      const auto* attributes = state.get<std::shared_ptr<Dict>>();
      if (attributes == nullptr) store_.fail("sets attributes that are no dict");
      (*dict)->attributes = *attributes;
    } else if (const auto* opaque = object.get<std::shared_ptr<Object>>()) {
      (*opaque)->state = std::move(state);
    } else {
      store_.fail("sets the state of a value that has none");
    }
  }

  [[noreturn]] void refuse_code(uint8_t code) const {
    store_.fail("has the instruction " + std::to_string(code) + " at byte " +
                std::to_string(reader_.position() - 1) + ", which makes no data");
  }

  base::ByteReader reader_;
  const StorageSource& storages_;
  const std::string& where_;
  PickleStore store_;
};

}  // namespace

Value read_pickle(std::string_view bytes, const StorageSource& storages, const std::string& where) {
  return PickleMachine(bytes, storages, where).run();
}

}  // namespace koi::checkpoint

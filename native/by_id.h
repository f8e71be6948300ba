#pragma once

#include <cstdint>
#include <vector>

namespace mlxjs {

// Values by the ids of arrays, or other addresses. Graphs are gone through for
// every evaluation and transformation, where std::unordered_map would allocate
// for each array.
template <typename T>
class ById {
 public:
  // A new T for an id that it does not have.
  T& operator[](std::uintptr_t id) {
    if (2 * count_ >= entries_.size()) {
      grow();
    }
    auto& entry = place(id);
    if (entry.round != round_) {
      entry = {id, round_};
      count_++;
    }
    return entry.value;
  }

  // Nothing, if it does not have the id.
  T* find(std::uintptr_t id) {
    if (entries_.empty()) {
      return nullptr;
    }
    auto& entry = place(id);
    return entry.round == round_ ? &entry.value : nullptr;
  }

  // Keeps its memory.
  void clear() {
    round_++;
    count_ = 0;
  }

 private:
  struct Entry {
    std::uintptr_t id = 0;
    // It is taken if this is the table's.
    uint32_t round = 0;
    T value{};
  };

  Entry& place(std::uintptr_t id) {
    auto mask = entries_.size() - 1;
    // Ids are addresses, of which the middle differs most.
    auto i = (id * 0x9e3779b97f4a7c15) >> 20 & mask;
    while (entries_[i].round == round_ && entries_[i].id != id) {
      i = (i + 1) & mask;
    }
    return entries_[i];
  }

  void grow() {
    std::vector<Entry> old(entries_.empty() ? 32 : 2 * entries_.size());
    old.swap(entries_);
    for (auto& entry : old) {
      if (entry.round == round_) {
        place(entry.id) = entry;
      }
    }
  }

  std::vector<Entry> entries_;
  size_t count_ = 0;
  uint32_t round_ = 1;
};

} // namespace mlxjs

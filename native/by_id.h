#pragma once

#include <cstdint>
#include <vector>

namespace mlxjs {

// A hash map from the ids of arrays, or other addresses, to values. Every
// evaluation and transformation goes through a graph, and std::unordered_map
// would allocate memory for each of its arrays.
template <typename T>
class ById {
 public:
  // The value of an id, which is a new T if the map does not have the id.
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

  // The value of an id, or null if the map does not have the id.
  T* find(std::uintptr_t id) {
    if (entries_.empty()) {
      return nullptr;
    }
    auto& entry = place(id);
    return entry.round == round_ ? &entry.value : nullptr;
  }

  // Removes all values, but keeps the memory for the next ones.
  void clear() {
    round_++;
    count_ = 0;
  }

 private:
  struct Entry {
    std::uintptr_t id = 0;
    // The entry is in use if this is the map's round.
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

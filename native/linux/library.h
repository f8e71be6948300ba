#pragma once

#include <dlfcn.h>
#include <elf.h>
#include <link.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include "mlx/version.h"

namespace mlxjs {

#if defined(__x86_64__)
inline constexpr uint32_t jump = R_X86_64_JUMP_SLOT, data = R_X86_64_GLOB_DAT;
#else
inline constexpr uint32_t jump = R_AARCH64_JUMP_SLOT, data = R_AARCH64_GLOB_DAT;
#endif

// A loaded library, as the dynamic linker sees it.
class Library {
 public:
  // The library that an address is in.
  explicit Library(void* inside) {
    Dl_info info{};
    dladdr(inside, &info);
    base_ = reinterpret_cast<ElfW(Addr)>(info.dli_fbase);
    dl_iterate_phdr(
        [](dl_phdr_info* info, size_t, void* self) {
          return static_cast<Library*>(self)->look(*info);
        },
        this);
  }

  bool calls(const char* name) const {
    return !places_of(name).empty();
  }

  // Has the library call another function in place of the one of the name.
  void redirect(const char* name, void* function) {
    for (auto place : places_of(name)) {
      set(place, function);
    }
  }

  // Writes over an entry of its tables. If libmlx was bound when it was loaded,
  // they are write-protected.
  void set(ElfW(Addr) place, void* function) {
    auto size = static_cast<ElfW(Addr)>(sysconf(_SC_PAGESIZE));
    auto page = reinterpret_cast<void*>(place & ~(size - 1));
    bool is_constant = place >= constant_ && place < constant_end_;
    if (is_constant && mprotect(page, size, PROT_READ | PROT_WRITE) != 0) {
      throw std::runtime_error(
          "[libmlx] expected to write to its tables, received: " +
          std::string(std::strerror(errno)));
    }
    __atomic_store_n(
        reinterpret_cast<void**>(place), function, __ATOMIC_RELEASE);
    if (is_constant) {
      mprotect(page, size, PROT_READ);
    }
  }

 private:
  using Table = std::pair<const ElfW(Rela)*, size_t>;

  std::vector<ElfW(Addr)> places_of(const char* name) const {
    std::vector<ElfW(Addr)> out;
    for (auto& [table, size] : {calls_, others_}) {
      for (size_t i = 0; i < size / sizeof(ElfW(Rela)); i++) {
        auto& entry = table[i];
        auto type = ELF64_R_TYPE(entry.r_info);
        auto& symbol = symbols_[ELF64_R_SYM(entry.r_info)];
        if ((type == jump || type == data) &&
            std::strcmp(names_ + symbol.st_name, name) == 0) {
          out.push_back(base_ + entry.r_offset);
        }
      }
    }
    return out;
  }

  int look(const dl_phdr_info& info) {
    if (info.dlpi_addr != base_) {
      return 0;
    }
    for (size_t i = 0; i < info.dlpi_phnum; i++) {
      auto& header = info.dlpi_phdr[i];
      if (header.p_type == PT_DYNAMIC) {
        read(reinterpret_cast<const ElfW(Dyn)*>(base_ + header.p_vaddr));
      } else if (header.p_type == PT_GNU_RELRO) {
        constant_ = base_ + header.p_vaddr;
        constant_end_ = constant_ + header.p_memsz;
      }
    }
    return 1;
  }

  void read(const ElfW(Dyn) * entry) {
    for (; entry->d_tag != DT_NULL; entry++) {
      auto pointer = entry->d_un.d_ptr;
      switch (entry->d_tag) {
        case DT_SYMTAB:
          symbols_ = reinterpret_cast<const ElfW(Sym)*>(pointer);
          break;
        case DT_STRTAB:
          names_ = reinterpret_cast<const char*>(pointer);
          break;
        case DT_JMPREL:
          calls_.first = reinterpret_cast<const ElfW(Rela)*>(pointer);
          break;
        case DT_PLTRELSZ:
          calls_.second = entry->d_un.d_val;
          break;
        case DT_RELA:
          others_.first = reinterpret_cast<const ElfW(Rela)*>(pointer);
          break;
        case DT_RELASZ:
          others_.second = entry->d_un.d_val;
          break;
      }
    }
  }

  ElfW(Addr) base_ = 0;
  ElfW(Addr) constant_ = 0;
  ElfW(Addr) constant_end_ = 0;
  const ElfW(Sym) * symbols_ = nullptr;
  const char* names_ = nullptr;
  Table calls_{};
  Table others_{};
};

inline Library libmlx() {
  return Library(reinterpret_cast<void*>(&mlx::core::version));
}

} // namespace mlxjs

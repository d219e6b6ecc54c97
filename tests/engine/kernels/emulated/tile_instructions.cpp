#include "tests/engine/kernels/emulated/tile_instructions.hpp"

#include <signal.h>
#include <ucontext.h>
#include <unistd.h>

#include <atomic>
#include <cstddef>
#include <cstdint>
#include <cstdlib>
#include <cstring>
#include <string_view>

#include "tests/engine/kernels/flushing_float.hpp"

namespace titrate::kernels {
namespace {

constexpr std::size_t most_rows = 16;
constexpr std::size_t row_bytes = 64;

struct Tile {
  std::size_t rows;
  std::size_t bytes;  // of a row
  std::uint8_t data[most_rows][row_bytes];
};

struct TileState {
  bool configured;
  Tile tiles[8];
};

thread_local TileState state;
std::atomic<unsigned long> instructions_done;

// Async-signal-safe.
[[noreturn]] void refuse(std::string_view why) {
  (void)!write(STDERR_FILENO, why.data(), why.size());
  (void)!write(STDERR_FILENO, "\n", 1);
  abort();
}

// A VEX instruction of three prefix bytes: C4, R X B and map, W vvvv L pp; opcode; ModRM; SIB.
class Instruction {
 public:
  explicit Instruction(ucontext_t* context)
      : registers_(context->uc_mcontext.gregs), bytes_(reinterpret_cast<const std::uint8_t*>(registers_[REG_RIP])) {}

  [[nodiscard]] bool is_vex_0f38() const { return bytes_[0] == 0xc4 && (bytes_[1] & 31) == 2 && (bytes_[2] & 0x84) == 0; }
  [[nodiscard]] int prefix() const { return bytes_[2] & 3; }  // pp: none, 66, F3, F2
  [[nodiscard]] int opcode() const { return bytes_[3]; }
  [[nodiscard]] bool has_memory() const { return bytes_[4] >> 6 != 3; }
  [[nodiscard]] int reg() const { return bytes_[4] >> 3 & 7; }
  [[nodiscard]] int rm() const { return bytes_[4] & 7; }
  [[nodiscard]] int vvvv() const { return ~(bytes_[2] >> 3) & 15; }

  /// Base and displacement, and the index times its scale.
  struct Place {
    std::uint8_t* base;
    std::ptrdiff_t stride;
    std::size_t length;  // of the instruction
  };
  [[nodiscard]] Place place() const {
    const int mod = bytes_[4] >> 6;
    const bool has_sib = rm() == 4;
    std::size_t length = has_sib ? 6 : 5;
    const int base = (has_sib ? bytes_[5] & 7 : rm()) + ((bytes_[1] & 0x20) == 0 ? 8 : 0);
    const int index = has_sib ? (bytes_[5] >> 3 & 7) + ((bytes_[1] & 0x40) == 0 ? 8 : 0) : 4;  // 4: none
    const std::ptrdiff_t stride = index == 4 ? 0 : static_cast<std::ptrdiff_t>(general(index)) << (bytes_[5] >> 6);
    const bool is_relative = mod == 0 && base % 8 == 5;  // to the next instruction
    if (is_relative && has_sib) refuse("an address that the emulation does not know");
    std::int32_t displacement = 0;
    if (mod == 1) displacement = static_cast<std::int8_t>(bytes_[length++]);
    if (mod == 2 || is_relative) {
      std::memcpy(&displacement, bytes_ + length, sizeof(displacement));
      length += sizeof(displacement);
    }
    const greg_t origin = is_relative ? registers_[REG_RIP] + static_cast<greg_t>(length) : general(base);
    return {reinterpret_cast<std::uint8_t*>(origin + displacement), stride, length};
  }
  void skip(std::size_t length) { registers_[REG_RIP] += static_cast<greg_t>(length); }

 private:
  [[nodiscard]] greg_t general(int number) const {
    constexpr int places[] = {REG_RAX, REG_RCX, REG_RDX, REG_RBX, REG_RSP, REG_RBP, REG_RSI, REG_RDI,
                              REG_R8,  REG_R9,  REG_R10, REG_R11, REG_R12, REG_R13, REG_R14, REG_R15};
    return registers_[places[number]];
  }
  greg_t* registers_;
  const std::uint8_t* bytes_;
};

void load_configuration(const std::uint8_t* memory) {
  if (memory[0] != 1) refuse("LDTILECFG: palette 1 is the only one with tiles");
  for (std::size_t i = 2; i < 16; ++i) {
    if (memory[i] != 0) refuse("LDTILECFG: reserved bytes must be 0");
  }
  for (std::size_t i = 32; i < 64; ++i) {
    if ((i < 48 || i >= 56) && memory[i] != 0) refuse("LDTILECFG: there are eight tiles");
  }
  state = {};
  state.configured = true;
  for (std::size_t i = 0; i < 8; ++i) {
    std::uint16_t bytes;
    std::memcpy(&bytes, memory + 16 + 2 * i, sizeof(bytes));
    const std::size_t rows = memory[48 + i];
    if (bytes > row_bytes || rows > most_rows || (bytes == 0) != (rows == 0)) refuse("LDTILECFG: a tile of no possible size");
    state.tiles[i].rows = rows;
    state.tiles[i].bytes = bytes;
  }
}

Tile& configured(int number) {
  if (number >= 8) refuse("a tile register beyond the eighth");
  Tile& tile = state.tiles[number];
  if (!state.configured || tile.rows == 0) refuse("a tile register that is not configured");
  return tile;
}

void load(Tile& tile, const Instruction::Place& place) {
  std::memset(tile.data, 0, sizeof(tile.data));
  for (std::size_t row = 0; row < tile.rows; ++row) {
    std::memcpy(tile.data[row], place.base + static_cast<std::ptrdiff_t>(row) * place.stride, tile.bytes);
  }
}

void store(const Tile& tile, const Instruction::Place& place) {
  for (std::size_t row = 0; row < tile.rows; ++row) {
    std::memcpy(place.base + static_cast<std::ptrdiff_t>(row) * place.stride, tile.data[row], tile.bytes);
  }
}

// Four bytes along K lie together in all of these.
void check_sizes(const Tile& sums, const Tile& a, const Tile& b) {
  if (a.bytes % 4 != 0 || sums.bytes % 4 != 0 || sums.bytes != b.bytes || sums.rows != a.rows || a.bytes / 4 != b.rows) {
    refuse("a product of tiles whose sizes do not fit");
  }
}

// TDPBUSD: the first source's bytes are unsigned, the second's signed; sums wrap.
void dot(Tile& sums, const Tile& a, const Tile& b) {
  for (std::size_t m = 0; m < sums.rows; ++m) {
    std::uint32_t row[row_bytes / 4];
    std::memcpy(row, sums.data[m], sizeof(row));
    for (std::size_t k = 0; k < b.rows; ++k) {
      for (std::size_t n = 0; n < sums.bytes / 4; ++n) {
        for (std::size_t i = 0; i < 4; ++i) {
          const int left = a.data[m][4 * k + i];
          const int right = static_cast<std::int8_t>(b.data[k][4 * n + i]);
          row[n] += static_cast<std::uint32_t>(left * right);
        }
      }
    }
    std::memcpy(sums.data[m], row, sizeof(row));
  }
}

// TDPBF16PS.
void dot_bf16(Tile& sums, const Tile& a, const Tile& b) {
  for (std::size_t m = 0; m < sums.rows; ++m) {
    FlushedTileRow row;
    std::memcpy(row.sums, sums.data[m], sizeof(row.sums));
    row.add(a.data[m], &b.data[0][0], b.rows, sums.bytes / 4);
    std::memcpy(sums.data[m], row.sums, sizeof(row.sums));
  }
}

// Whether it was an instruction of AMX.
bool run(Instruction& instruction) {
  if (!instruction.is_vex_0f38()) return false;
  constexpr std::size_t without_memory = 5;
  const int opcode = instruction.opcode();
  const int prefix = instruction.prefix();
  const bool has_memory = instruction.has_memory();
  if (opcode == 0x49 && prefix == 0 && instruction.reg() == 0) {
    if (!has_memory) {
      state = {};
      instruction.skip(without_memory);
      return true;
    }
    const Instruction::Place place = instruction.place();
    load_configuration(place.base);
    instruction.skip(place.length);
    return true;
  }
  if (opcode == 0x4b && has_memory && (prefix == 3 || prefix == 2)) {
    const Instruction::Place place = instruction.place();
    Tile& tile = configured(instruction.reg());
    if (prefix == 3) {
      load(tile, place);
    } else {
      store(tile, place);
    }
    instruction.skip(place.length);
    return true;
  }
  const bool of_bytes = opcode == 0x5e && prefix == 1;
  const bool of_bfloat16 = opcode == 0x5c && prefix == 2;
  if ((of_bytes || of_bfloat16) && !has_memory) {
    const int sums = instruction.reg();
    const int a = instruction.rm();
    const int b = instruction.vvvv();
    if (sums == a || sums == b || a == b) refuse("a product of tiles takes three different ones");
    check_sizes(configured(sums), configured(a), configured(b));
    (of_bytes ? dot : dot_bf16)(configured(sums), configured(a), configured(b));
    instruction.skip(without_memory);
    return true;
  }
  return false;
}

void on_illegal_instruction(int, siginfo_t*, void* context) {
  Instruction instruction(static_cast<ucontext_t*>(context));
  if (run(instruction)) {
    ++instructions_done;
    return;
  }
  signal(SIGILL, SIG_DFL);  // the instruction runs again, and then ends the process
}

}  // namespace

void emulate_tile_instructions() {
  struct sigaction action {};
  action.sa_sigaction = on_illegal_instruction;
  action.sa_flags = SA_SIGINFO;
  if (sigaction(SIGILL, &action, nullptr) != 0) refuse("sigaction");
}

unsigned long emulated_tile_instructions() { return instructions_done; }

}  // namespace titrate::kernels

// What this machine can do at most, whatever the program: arithmetic from registers, reading from each level of memory. JSON on stdout,
// in 1e9 operations (multiply and add count as two) and bytes a second, for one thread and for all that were asked for.
//   limits [THREADS]
#include <cpuid.h>
#include <immintrin.h>
#include <sys/mman.h>
#include <sys/syscall.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdint>
#include <cstring>
#include <fstream>
#include <functional>
#include <iostream>
#include <nlohmann/json.hpp>
#include <string>
#include <thread>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using Work = double (*)(std::int64_t rounds);  // returns what was done

// Twelve independent chains hide the latency of any instruction here; the empty asm keeps the compiler from seeing that they are equal.
constexpr int chains = 12;
#define OPAQUE(value) asm volatile("" : "+v"(value))

__attribute__((target("avx2,fma"))) double multiply_add_256(std::int64_t rounds) {
  __m256 sums[chains];
  for (auto& sum : sums) sum = _mm256_set1_ps(1.0F);
  __m256 x = _mm256_set1_ps(1.0001F);
  __m256 y = _mm256_set1_ps(-0.0001F);
  OPAQUE(x);
  OPAQUE(y);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = _mm256_fmadd_ps(sum, x, y);
#pragma GCC unroll 12
    for (auto& sum : sums) OPAQUE(sum);
  }
  return static_cast<double>(rounds) * chains * 8 * 2;
}

__attribute__((target("avx512f"))) double multiply_add_512(std::int64_t rounds) {
  __m512 sums[chains];
  for (auto& sum : sums) sum = _mm512_set1_ps(1.0F);
  __m512 x = _mm512_set1_ps(1.0001F);
  __m512 y = _mm512_set1_ps(-0.0001F);
  OPAQUE(x);
  OPAQUE(y);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = _mm512_fmadd_ps(sum, x, y);
#pragma GCC unroll 12
    for (auto& sum : sums) OPAQUE(sum);
  }
  return static_cast<double>(rounds) * chains * 16 * 2;
}

// 8-bit products without VNNI, in 16-bit sums that may saturate: maddubs, madd, add.
__attribute__((target("avx2"))) double maddubs_256(std::int64_t rounds) {
  __m256i sums[chains];
  for (auto& sum : sums) sum = _mm256_set1_epi32(1);
  const __m256i y = _mm256_set1_epi8(-2);
  const __m256i ones = _mm256_set1_epi16(1);
  __m256i x = _mm256_set1_epi8(3);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      OPAQUE(x);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(_mm256_maddubs_epi16(x, y), ones));
    }
#pragma GCC unroll 12
    for (auto& sum : sums) OPAQUE(sum);
  }
  return static_cast<double>(rounds) * chains * 32 * 2;
}

// Exact 8-bit products without VNNI, widened to 16 bits before: madd, add.
__attribute__((target("avx2"))) double maddwd_256(std::int64_t rounds) {
  __m256i sums[chains];
  for (auto& sum : sums) sum = _mm256_set1_epi32(1);
  const __m256i y = _mm256_set1_epi16(-2);
  __m256i x = _mm256_set1_epi16(3);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (auto& sum : sums) {
      OPAQUE(x);
      sum = _mm256_add_epi32(sum, _mm256_madd_epi16(x, y));
    }
#pragma GCC unroll 12
    for (auto& sum : sums) OPAQUE(sum);
  }
  return static_cast<double>(rounds) * chains * 16 * 2;
}

__attribute__((target("avx512f,avx512bw,avx512vnni"))) double vnni_512(std::int64_t rounds) {
  __m512i sums[chains];
  for (auto& sum : sums) sum = _mm512_set1_epi32(1);
  __m512i x = _mm512_set1_epi8(3);
  __m512i y = _mm512_set1_epi8(-2);
  OPAQUE(x);
  OPAQUE(y);
  for (std::int64_t round = 0; round < rounds; ++round) {
#pragma GCC unroll 12
    for (auto& sum : sums) sum = _mm512_dpbusd_epi32(sum, x, y);
#pragma GCC unroll 12
    for (auto& sum : sums) OPAQUE(sum);
  }
  return static_cast<double>(rounds) * chains * 64 * 2;
}

struct alignas(64) TileConfiguration {
  std::uint8_t palette = 1;
  std::uint8_t start_row = 0;
  std::uint8_t reserved[14] = {};
  std::uint16_t bytes_a_row[16] = {};
  std::uint8_t rows[16] = {};
};

// AMX must be in the processor and granted by the kernel (arch_prctl ARCH_REQ_XCOMP_PERM, XTILEDATA).
bool has_amx() {
  unsigned a = 0, b = 0, c = 0, d = 0;
  constexpr unsigned amx_tile = 1U << 24;
  constexpr unsigned amx_int8 = 1U << 25;
  if (__get_cpuid_count(7, 0, &a, &b, &c, &d) == 0 || (d & amx_tile) == 0 || (d & amx_int8) == 0) return false;
  return syscall(SYS_arch_prctl, 0x1023, 18) == 0;
}

// 2x2 tiles of sums; the operand tiles stream through half a megabyte, which lies in L2.
__attribute__((target("amx-tile,amx-int8"))) double amx_from_l2(std::int64_t rounds) {
  constexpr std::size_t bytes = std::size_t{512} << 10;
  static thread_local std::vector<std::uint8_t> buffer(bytes + 64, 1);
  const auto* data = reinterpret_cast<const std::uint8_t*>((reinterpret_cast<std::uintptr_t>(buffer.data()) + 63) & ~std::uintptr_t{63});
  TileConfiguration configuration;
  for (int tile = 0; tile < 8; ++tile) {
    configuration.bytes_a_row[tile] = 64;
    configuration.rows[tile] = 16;
  }
  // Not _tile_loadconfig: in GCC 12 it tells the compiler of the first 8 bytes only, and the others may never be written.
  asm volatile("ldtilecfg %0" : : "m"(configuration));
  for (std::int64_t round = 0; round < rounds; ++round) {
    const std::uint8_t* const at = data + static_cast<std::size_t>(round) % (bytes / 4096) * 4096;
    _tile_loadd(4, at, 64);
    _tile_loadd(6, at + 1024, 64);
    _tile_dpbusd(0, 4, 6);
    _tile_loadd(7, at + 2048, 64);
    _tile_dpbusd(1, 4, 7);
    _tile_loadd(5, at + 3072, 64);
    _tile_dpbusd(2, 5, 6);
    _tile_dpbusd(3, 5, 7);
  }
  _tile_release();
  return static_cast<double>(rounds) * 4 * 16 * 16 * 64 * 2;
}

__attribute__((target("avx2"))) void read_all(const char* data, std::size_t bytes) {
  __m256i sums[8] = {};
  for (std::size_t at = 0; at < bytes; at += 256) {
#pragma GCC unroll 8
    for (int lane = 0; lane < 8; ++lane)
      sums[lane] = _mm256_or_si256(sums[lane], _mm256_load_si256(reinterpret_cast<const __m256i*>(data + at) + lane));
  }
  for (auto& sum : sums) OPAQUE(sum);
}

// Work a second of `threads` threads that begin together: the best of some passes, since others may use the machine.
double rate(int threads, const std::function<double(int thread)>& work) {
  constexpr int passes = 7;
  double best = 0;
  for (int pass = 0; pass < passes; ++pass) {
    std::atomic<int> ready{0};
    std::atomic<bool> go{false};
    std::vector<double> done(static_cast<std::size_t>(threads));
    std::vector<Clock::time_point> ends(static_cast<std::size_t>(threads));
    std::vector<std::thread> workers;
    for (int thread = 0; thread < threads; ++thread) {
      workers.emplace_back([&, thread] {
        ++ready;
        while (!go) {
        }
        done[static_cast<std::size_t>(thread)] = work(thread);
        ends[static_cast<std::size_t>(thread)] = Clock::now();
      });
    }
    while (ready < threads) {
    }
    const Clock::time_point begin = Clock::now();
    go = true;
    for (std::thread& worker : workers) worker.join();
    double sum = 0;
    for (const double each : done) sum += each;
    best = std::max(best, sum / std::chrono::duration<double>(*std::max_element(ends.begin(), ends.end()) - begin).count());
  }
  return best / 1e9;
}

nlohmann::ordered_json one_and_all(int threads, const std::function<double(int thread)>& work) {
  return {{"one", rate(1, work)}, {"all", threads > 1 ? rate(threads, work) : rate(1, work)}};
}

// Of the cache that processor 0 uses; what sysconf() says is of all of them together on some machines.
std::size_t cache_bytes(int level, std::size_t unknown) {
  for (int index = 0; index < 8; ++index) {
    const std::string folder = "/sys/devices/system/cpu/cpu0/cache/index" + std::to_string(index);
    int found = 0;
    std::string type;
    std::size_t kibibytes = 0;
    std::ifstream(folder + "/level") >> found;
    std::ifstream(folder + "/type") >> type;
    std::ifstream(folder + "/size") >> kibibytes;  // "512K"
    if (found == level && type != "Instruction" && kibibytes > 0) return kibibytes << 10;
  }
  return unknown;
}

nlohmann::ordered_json arithmetic(int threads) {
  const auto of = [&](Work work, std::int64_t rounds) {
    work(rounds / 10);
    return one_and_all(threads, [=](int) { return work(rounds); });
  };
  constexpr std::int64_t rounds = 2'000'000;
  nlohmann::ordered_json peaks;
  peaks["f32 FMA, 256 bit"] = of(multiply_add_256, rounds);
  if (__builtin_cpu_supports("avx512f")) peaks["f32 FMA, 512 bit"] = of(multiply_add_512, rounds);
  peaks["i8 maddwd, 256 bit"] = of(maddwd_256, rounds);
  peaks["i8 maddubs, 256 bit"] = of(maddubs_256, rounds);
  if (__builtin_cpu_supports("avx512vnni")) peaks["i8 VNNI, 512 bit"] = of(vnni_512, rounds);
  if (has_amx()) peaks["i8 AMX from L2"] = of(amx_from_l2, rounds / 4);
  return peaks;
}

nlohmann::ordered_json reading(int threads, std::size_t l2, std::size_t l3) {
  constexpr std::size_t most = std::size_t{192} << 20;
  std::vector<char*> buffers;
  for (int thread = 0; thread < threads; ++thread) {
    void* const memory = mmap(nullptr, most, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    madvise(memory, most, MADV_HUGEPAGE);
    std::memset(memory, 1, most);
    buffers.push_back(static_cast<char*>(memory));
  }
  const auto of = [&](std::size_t bytes, double total) {
    bytes &= ~std::size_t{4095};
    const int passes = std::max(1, static_cast<int>(total / static_cast<double>(bytes)));
    return one_and_all(threads, [=](int thread) {
      for (int pass = 0; pass < passes; ++pass) read_all(buffers[static_cast<std::size_t>(thread)], bytes);
      return static_cast<double>(bytes) * passes;
    });
  };
  nlohmann::ordered_json rates;
  rates["L2"] = of(l2 / 2, 3e9);
  // What the threads read together stays well inside.
  rates["L3"] = of(std::min<std::size_t>(l3 / 4, 5 << 20), 1.5e9);
  rates["DRAM"] = of(most, 2e8);
  for (char* buffer : buffers) munmap(buffer, most);
  return rates;
}

}  // namespace

int main(int count, char** words) {
  const int threads = count > 1 ? std::max(1, std::atoi(words[1])) : static_cast<int>(std::thread::hardware_concurrency());
  if (!__builtin_cpu_supports("avx2") || !__builtin_cpu_supports("fma")) {
    std::cerr << "limits: this processor has no AVX2\n";
    return 1;
  }
  const std::size_t l2 = cache_bytes(2, std::size_t{1} << 20);
  const std::size_t l3 = cache_bytes(3, std::size_t{16} << 20);
  const std::string kind = has_amx()                              ? "amx"
                           : __builtin_cpu_supports("avx512vnni") ? "vnni"
                           : __builtin_cpu_supports("avx512f")    ? "avx512"
                                                                  : "avx2";
  const nlohmann::ordered_json document = {{"kind", "limits"},
                                           {"machine", kind},
                                           {"threads", threads},
                                           {"l2_bytes", l2},
                                           {"l3_bytes", l3},
                                           {"giga_operations", arithmetic(threads)},
                                           {"giga_bytes", reading(threads, l2, l3)}};
  std::cout << document.dump() << '\n';
  return 0;
}

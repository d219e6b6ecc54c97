#include "engine/base/cpu.hpp"

#include <gtest/gtest.h>

#include <string>

#include "engine/base/error.hpp"

namespace titrate {
namespace {

constexpr Isa all_levels[] = {Isa::scalar, Isa::avx2, Isa::avx512, Isa::vnni, Isa::amx};

TEST(Cpu, EveryLevelIsKnownByItsName) {
  for (const Isa isa : all_levels) EXPECT_EQ(isa_named(name_of(isa)), isa);
  EXPECT_EQ(isa_named("AVX2"), std::nullopt);
  EXPECT_EQ(isa_named(""), std::nullopt);
}

TEST(Cpu, RunnableLevelsStartWithScalarAndLeaveNoneOut) {
  ASSERT_FALSE(runnable_isas().empty());
  for (std::size_t index = 0; index < runnable_isas().size(); ++index) EXPECT_EQ(runnable_isas()[index], all_levels[index]);
}

TEST(Cpu, AWishSelectsItsLevelOrIsAUsageError) {
  EXPECT_EQ(isa_for(nullptr), runnable_isas().back());
  EXPECT_EQ(isa_for(""), runnable_isas().back());
  for (const Isa isa : all_levels) {
    const std::string name(name_of(isa));
    if (machine_has(isa)) {
      EXPECT_EQ(isa_for(name.c_str()), isa);
      continue;
    }
    try {
      (void)isa_for(name.c_str());
      FAIL() << name << " cannot run here";
    } catch (const Error& error) {
      EXPECT_EQ(error.code(), ErrorCode::usage);
      EXPECT_NE(std::string(error.what()).find(name), std::string::npos);
    }
  }
  EXPECT_THROW((void)isa_for("sse9"), Error);
}

}  // namespace
}  // namespace titrate

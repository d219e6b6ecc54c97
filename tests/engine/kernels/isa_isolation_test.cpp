// A function of an instruction set's file must not be the copy that the linker keeps for everybody: none may be weak or global. Nor may it
// run before main(), where nothing has asked yet what the machine can do.
#include <gtest/gtest.h>

#include <array>
#include <cstdio>
#include <filesystem>
#include <memory>
#include <sstream>
#include <string>
#include <vector>

namespace {

std::vector<std::filesystem::path> isa_objects() {
  std::vector<std::filesystem::path> found;
  for (const auto& entry : std::filesystem::recursive_directory_iterator(TITRATE_BINARY_DIR)) {
    const std::string name = entry.path().filename().string();
    const bool of_isa = name.starts_with("avx") || name == "vnni.cpp.o" || name == "amx.cpp.o";
    if (name.ends_with(".cpp.o") && of_isa) found.push_back(entry.path());
  }
  return found;
}

std::string output_of(const std::string& command) {
  const std::unique_ptr<FILE, int (*)(FILE*)> pipe(popen(command.c_str(), "r"), pclose);
  std::string text;
  std::array<char, 4096> buffer{};
  while (pipe && std::fgets(buffer.data(), buffer.size(), pipe.get()) != nullptr) text += buffer.data();
  return text;
}

// Type T: a function others can call, W or V or u: one that any file may bring. DW.ref is a pointer to the exception personality, no code.
std::vector<std::string> offenders(const std::string& symbols) {
  std::vector<std::string> found;
  std::istringstream lines(symbols);
  for (std::string line; std::getline(lines, line);) {
    std::istringstream words(line);
    std::string address, type, name;
    words >> address >> type >> name;
    const bool shared = type == "T" || type == "W" || type == "V" || type == "u" || type == "i";
    if (shared && !name.starts_with("DW.ref.")) found.push_back(line);
  }
  return found;
}

TEST(IsaIsolation, NoFunctionOfAnInstructionSetCanReplaceAnother) {
  const auto objects = isa_objects();
  if (objects.empty()) GTEST_SKIP() << "no object files of an instruction set below " << TITRATE_BINARY_DIR;
  if (output_of("nm --version 2>/dev/null").empty()) GTEST_SKIP() << "nm is not installed";
  EXPECT_GE(objects.size(), 10U);  // five families, two instruction sets
  for (const auto& object : objects) {
    const std::string symbols = output_of("nm --defined-only '" + object.string() + "'");
    EXPECT_NE(symbols.find(" t "), std::string::npos) << object << " holds no function at all";
    EXPECT_TRUE(offenders(symbols).empty()) << object << ": " << offenders(symbols).front();
  }
}

// Functions that initialise what is no constant at compile time: their addresses are a section of their own.
bool runs_before_main(const std::string& sections) {
  return sections.find(" .init_array") != std::string::npos || sections.find(" .ctors") != std::string::npos;
}

TEST(IsaIsolation, NothingOfAnInstructionSetRunsBeforeMain) {
  const auto objects = isa_objects();
  if (objects.empty()) GTEST_SKIP() << "no object files of an instruction set below " << TITRATE_BINARY_DIR;
  if (output_of("objdump --version 2>/dev/null").empty()) GTEST_SKIP() << "objdump is not installed";
  for (const auto& object : objects) {
    const std::string sections = output_of("objdump -h '" + object.string() + "'");
    EXPECT_NE(sections.find(" .text"), std::string::npos) << object;
    EXPECT_FALSE(runs_before_main(sections)) << object;
  }
  EXPECT_TRUE(runs_before_main("  9 .init_array   00000008  0000000000000000  0000000000000000  00000518  2**3\n"));
}

TEST(IsaIsolation, AWeakFunctionWouldBeFound) {
  EXPECT_EQ(offenders("0000000000000000 W _ZSt3maxIfERKT_S2_S2_\n").size(), 1U);
  EXPECT_EQ(offenders("0000000000000010 T _Z4loudv\n0000000000000000 V DW.ref.__gxx_personality_v0\n0000 D table\n").size(), 1U);
}

}  // namespace

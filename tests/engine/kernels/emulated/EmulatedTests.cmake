# The program emulated_tests: the tests of kernels, operators, passes and execution once more, on a machine that seems to have AVX-512, VNNI and
# AMX. Nothing of the library is built again but the kernels' files for these sets; the linker takes them, and the detection below, before it
# looks into the library. README.md in engine/kernels says what this shows and what it does not.
find_path(SIMDE_INCLUDE_DIR simde/x86/avx512/fmadd.h)
if(NOT SIMDE_INCLUDE_DIR OR NOT CMAKE_SYSTEM_PROCESSOR MATCHES "x86_64|amd64|AMD64")
  message(STATUS "no emulated_tests: they need libsimde-dev and an x86-64 processor")
  return()
endif()

set(emulated ${PROJECT_SOURCE_DIR}/tests/engine/kernels/emulated)
add_library(titrate_emulated_kernels OBJECT)
foreach(isa avx512 vnni avx512bf16)
  file(GLOB sources CONFIGURE_DEPENDS ${PROJECT_SOURCE_DIR}/engine/kernels/*/${isa}.cpp ${PROJECT_SOURCE_DIR}/engine/kernels/*/*/${isa}.cpp)
  target_sources(titrate_emulated_kernels PRIVATE ${sources})
  foreach(source IN LISTS sources)
    set(options -include ${emulated}/${isa}.hpp)
    # Half a minute with optimisation: sums for which there are not half enough registers.
    if(source MATCHES "/nbits_gemm/")
      list(APPEND options -O0)
    endif()
    set_source_files_properties(${source} PROPERTIES COMPILE_OPTIONS "${options}")
  endforeach()
endforeach()
target_include_directories(titrate_emulated_kernels SYSTEM PRIVATE ${SIMDE_INCLUDE_DIR})
target_link_libraries(titrate_emulated_kernels PRIVATE titrate_options)
# SIMDe's type of 64 bytes is another than the compiler's, and neither has a calling convention without AVX-512: all is inlined.
set(emulated_options ${TITRATE_ISA_avx2} -flax-vector-conversions -Wno-psabi)
target_compile_options(titrate_emulated_kernels PRIVATE ${emulated_options} $<$<CONFIG:Release>:-O1>)
set_source_files_properties(${emulated}/intrinsics_test.cpp PROPERTIES COMPILE_OPTIONS "${emulated_options}")

file(GLOB emulation_sources CONFIGURE_DEPENDS ${emulated}/*.cpp)
add_executable(emulated_tests $<TARGET_OBJECTS:titrate_emulated_kernels> ${emulation_sources}
  $<TARGET_OBJECTS:ops_tests> $<TARGET_OBJECTS:passes_tests>)
target_link_libraries(emulated_tests PRIVATE titrate titrate_test_options)

# Kernels' tests go through all levels by themselves, so they run once; the others run at the level that is asked for. Witnesses ask other programs.
set(once "Isas/*:Variants/*:")
foreach(level avx512 vnni amx)
  add_test(NAME emulated_${level} COMMAND emulated_tests --gtest_brief=1 "--gtest_filter=-${once}*Witness*:*OnnxRuntime*")
  set_tests_properties(emulated_${level} PROPERTIES ENVIRONMENT "TITRATE_ISA=${level}" TIMEOUT 1200)
endforeach()
add_test(NAME emulated_kernels COMMAND emulated_tests --gtest_brief=1 --gtest_filter=Isas/*:Variants/*)
set_tests_properties(emulated_kernels PROPERTIES TIMEOUT 1200)

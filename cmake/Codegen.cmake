# lambari_generated(service...) makes lambari_aws_<service> from the pinned model of that service.
# models/services.json says which services and operations are served; scripts/fetch-models puts the model in .cache/.
# The global property LAMBARI_GENERATED lists them all.
set(LAMBARI_MODELS ${CMAKE_SOURCE_DIR}/.cache/models CACHE PATH "where scripts/fetch-models unpacked the pinned models")

function(lambari_generated)
  file(GLOB GENERATOR CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/codegen/*.py ${CMAKE_SOURCE_DIR}/models/patches/*.json)
  foreach(SERVICE ${ARGN})
    set(OUT ${CMAKE_BINARY_DIR}/gen/aws/${SERVICE})
    add_custom_command(
      OUTPUT ${OUT}/types.h ${OUT}/api.h ${OUT}/tables.cc
      COMMAND Python3::Interpreter ${CMAKE_SOURCE_DIR}/codegen/generate.py
              --models ${LAMBARI_MODELS} --services ${CMAKE_SOURCE_DIR}/models/services.json
              --service ${SERVICE} --out ${CMAKE_BINARY_DIR}/gen/aws/${SERVICE}
      DEPENDS ${GENERATOR} ${CMAKE_SOURCE_DIR}/models/services.json ${CMAKE_SOURCE_DIR}/models/pins.json
      COMMENT "generate aws/${SERVICE}" VERBATIM)
    add_library(lambari_aws_${SERVICE} STATIC ${OUT}/tables.cc ${OUT}/types.h ${OUT}/api.h)
    target_link_libraries(lambari_aws_${SERVICE} PUBLIC lambari_settings lambari_wire)
    lambari_use_pch(lambari_aws_${SERVICE})
    set_property(GLOBAL APPEND PROPERTY LAMBARI_GENERATED lambari_aws_${SERVICE})
  endforeach()
endfunction()

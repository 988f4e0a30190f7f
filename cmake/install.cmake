# Two components: programs (what the quickstart copies) and system (units, users, docs: the package has both).
foreach(program sluice-broker sluice-edge sluice-worker sluicectl)
  if(TARGET ${program}) # rooms are added one by one
    install(TARGETS ${program} RUNTIME DESTINATION bin COMPONENT programs)
  endif()
endforeach()
foreach(unit sluice-broker.service sluice-edge.service sluice-worker@.service sluice-queries@.service
             sluice-notifications@.service)
  install(FILES packaging/systemd/${unit} DESTINATION lib/systemd/system COMPONENT system)
endforeach()
install(FILES packaging/systemd/sluice.sysusers DESTINATION lib/sysusers.d RENAME sluice.conf COMPONENT system)
install(FILES packaging/systemd/sluice.tmpfiles DESTINATION lib/tmpfiles.d RENAME sluice.conf COMPONENT system)
install(DIRECTORY schemas/questionnaires schemas/examples schemas/fhir DESTINATION share/sluice COMPONENT system)
install(FILES schemas/protocol.md schemas/api/openapi.yaml README.md CHANGELOG.md
        DESTINATION share/doc/sluice COMPONENT system)
install(DIRECTORY doc/ DESTINATION share/doc/sluice COMPONENT system
        FILES_MATCHING PATTERN "*.md" PATTERN man EXCLUDE)
file(GLOB man_pages CONFIGURE_DEPENDS ${CMAKE_SOURCE_DIR}/doc/man/*.1)
install(FILES ${man_pages} DESTINATION share/man/man1 COMPONENT system)
# libsluice for programs of others.
if(TARGET sluice_shared)
  install(TARGETS sluice_shared LIBRARY DESTINATION lib COMPONENT system NAMELINK_SKIP
          PUBLIC_HEADER DESTINATION include COMPONENT system)
endif()

set(CPACK_GENERATOR DEB)
set(CPACK_PACKAGE_NAME sluice)
set(CPACK_PACKAGE_VERSION ${PROJECT_VERSION})
set(CPACK_PACKAGE_CONTACT "Sluice maintainers <maintainers@sluice.example>")
set(CPACK_PACKAGE_DESCRIPTION_SUMMARY "intake fleet for clinical-trial data")
set(CPACK_PACKAGING_INSTALL_PREFIX /usr)
set(CPACK_COMPONENTS_ALL programs system)
set(CPACK_COMPONENTS_GROUPING ALL_COMPONENTS_IN_ONE)
set(CPACK_DEB_COMPONENT_INSTALL OFF)
set(CPACK_STRIP_FILES ON)
set(CPACK_DEBIAN_FILE_NAME DEB-DEFAULT)
set(CPACK_DEBIAN_PACKAGE_SECTION net)
set(CPACK_DEBIAN_PACKAGE_SHLIBDEPS ON)
set(CPACK_DEBIAN_PACKAGE_DEPENDS ca-certificates) # webhooks and mail over TLS
set(CPACK_DEBIAN_PACKAGE_CONTROL_EXTRA ${CMAKE_SOURCE_DIR}/packaging/debian/postinst
    ${CMAKE_SOURCE_DIR}/packaging/debian/prerm ${CMAKE_SOURCE_DIR}/packaging/debian/postrm)
set(CPACK_OUTPUT_FILE_PREFIX ${CMAKE_BINARY_DIR}/packages)
include(CPack)

// Configuration of OHIF's published build for one folder of a site. The placeholders are filled in when it is served.
const credential = {
  id: "storegraph-credential",
  preRegistration({ servicesManager }) {
    servicesManager.services.userAuthenticationService.setServiceImplementation({
      getAuthorizationHeader: () => ({ Authorization: "Bearer API_KEY" }),
    });
  },
};
window.config = {
  routerBasename: "/",
  extensions: [credential],
  modes: [],
  showStudyList: true,
  maxNumberOfWebWorkers: 1,
  showWarningMessageForCrossOrigin: false,
  showCPUFallbackMessage: false,
  showLoadingIndicator: true,
  strictZSpacingForVolumeViewport: false,
  investigationalUseDialog: { option: "never" },
  defaultDataSourceName: "storegraph",
  dataSources: [
    {
      namespace: "@ohif/extension-default.dataSourcesModule.dicomweb",
      sourceName: "storegraph",
      configuration: {
        friendlyName: "Storegraph",
        name: "storegraph",
        qidoRoot: "FOLDER_URL",
        wadoRoot: "FOLDER_URL",
        wadoUriRoot: "FOLDER_URL/wado",
        qidoSupportsIncludeField: true,
        imageRendering: "RENDERING",
        thumbnailRendering: "RENDERING",
        enableStudyLazyLoad: true,
        supportsFuzzyMatching: false,
        supportsWildcard: true,
      },
    },
  ],
};
